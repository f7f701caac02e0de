#pragma once

#include <filesystem>
#include <memory>

#include "storage/segment.h"

// Segments of formats 1 and 2, which are SQLite databases with a chunk per influencer. They are
// read for ever, and replaced when they are merged; none is written any more.
namespace ia::sqlite_store {

// What a segment says of itself, whatever the catalog says.
Result<SegmentInfo> read_sqlite_info(const std::filesystem::path& file);

// kNotFound when the file is gone, kCorrupt when it is damaged or not the one of the catalog.
Result<std::unique_ptr<SegmentFile>> open_sqlite_segment(const std::filesystem::path& file,
                                                         const SegmentInfo& info);

}  // namespace ia::sqlite_store
