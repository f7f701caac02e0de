#pragma once

#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unfinished.h"

namespace ia {

// A file that a command writes for its user, as `cat > FILE` would: links are followed, a pipe or
// a device is written into. A regular file is written beside its place and takes it once it is
// whole, with the mode and the owner of the one that it replaces; until then, and after a failure,
// the old content stays. Where that cannot be (another owner's directory, a file of several names)
// it is written in place.
class OutputFile {
 public:
  // "-" is standard output, and so are its names in /dev. kInvalid or kUnavailable, with the path,
  // when it cannot be written. Waits for a reader of a pipe.
  static Result<OutputFile> open(const std::string& path);

  Status write(std::string_view text);
  // Nothing is to be written any more. Without it a regular file is left as it was.
  Status finish();

 private:
  using Stream = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
  OutputFile(std::string name, Stream stream)
      : name_(std::move(name)), stream_(std::move(stream)) {}

  static Result<OutputFile> into(const std::string& name, const std::filesystem::path& target,
                                 bool truncates);
  static std::optional<OutputFile> beside(const std::string& name,
                                          const std::filesystem::path& target,
                                          const struct stat* replaced);
  Status publish();
  Status copy_into_place();

  std::string name_;  // for messages
  Stream stream_;
  std::filesystem::path target_{};
  std::optional<UnfinishedPath> draft_{};
};

}  // namespace ia
