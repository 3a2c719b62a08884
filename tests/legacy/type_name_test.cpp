// What errors and reports call a class, wherever it was defined.
#include <segue/type_name.hpp>

#include <functional>
#include <string>
#include <typeinfo>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/legacy/generator.hpp>

namespace segue::legacy {
namespace {

template <class T>
std::string name_of(const T&) {
  return type_name(typeid(T));
}

template <class T>
struct Box {
  struct Inner {};
  struct Operator {
    auto operator<(int) const {
      struct Smaller {};
      return Smaller();
    }
    auto operator()(const std::vector<int>&) const {
      struct Called {};
      return Called();
    }
  };
};

template <class T>
std::string local_to_a_template(T) {
  struct Local {};
  return name_of(Local());
}

std::string local_to_a_function_of_texts(const std::string&, std::vector<int> = {}) {
  struct Local {};
  return name_of(Local());
}

void body(Yielder<int>&) {}

TEST(TypeName, is_the_class_without_what_it_is_in_and_is_made_of) {
  EXPECT_EQ(name_of(ValueError("")), "ValueError");
  EXPECT_EQ(name_of(1), "int");
  EXPECT_EQ(name_of(Box<std::string>()), "Box");
  EXPECT_EQ(name_of(Box<std::vector<int>>::Inner()), "Inner");
  EXPECT_EQ(local_to_a_template(std::string()), "Local");
  EXPECT_EQ(local_to_a_template('x'), "Local");
  EXPECT_EQ(local_to_a_function_of_texts(""), "Local");
  EXPECT_EQ(name_of(Box<int>::Operator() < 1), "Smaller");
  EXPECT_EQ(name_of(Box<int>::Operator()({})), "Called");
  const auto local_to_a_lambda = [](const std::vector<int>&) {
    struct Local {};
    return name_of(Local());
  };
  EXPECT_EQ(local_to_a_lambda({}), "Local");
}

TEST(TypeName, of_what_can_be_called_is_pythons) {
  EXPECT_EQ(name_of([](Yielder<int>&) {}), "<lambda>");
  EXPECT_EQ(name_of([](auto&) {}), "<lambda>");
  EXPECT_EQ(name_of(&body), "function");
  EXPECT_EQ(name_of(std::function<void(Yielder<int>&)>(body)), "function");
}

}  // namespace
}  // namespace segue::legacy
