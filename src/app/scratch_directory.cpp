#include "app/scratch_directory.h"

#include <stdlib.h>

namespace ia {

Result<ScratchDirectory> ScratchDirectory::make() {
  std::string pattern = std::filesystem::temp_directory_path() / "influencer-analytics.XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) {
    return fail(Errc::kInvalid, "cannot make a temporary directory in " +
                                    std::filesystem::temp_directory_path().string() +
                                    ": let TMPDIR name one that can be written to");
  }
  return ScratchDirectory(pattern);
}

}  // namespace ia
