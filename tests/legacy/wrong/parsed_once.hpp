// What the programs beside this one include.

#include <segue/legacy/generator.hpp>
#include <segue/legacy/pipeline.hpp>
#include <segue/legacy/pull.hpp>
#include <segue/legacy/simple_generator.hpp>
