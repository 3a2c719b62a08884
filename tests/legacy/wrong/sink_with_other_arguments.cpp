// a sink's body is called as
#include <segue/legacy/pipeline.hpp>

const auto sink = segue::legacy::sink<int>([](int) {});
