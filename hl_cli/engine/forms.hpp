// The calls of a plan: what they are given and what they give, and the form of an operator that writes its results.

#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/empty_strided.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <string>
#include <unordered_set>

namespace {

using at::IValue;
using at::Tensor;
using Tensors = std::vector<Tensor>;
using Numbers = std::vector<double>;
using Handle = std::optional<c10::OperatorHandle>;

// Made anew at each period only where something writes into them: they depend on nothing but shapes.
const std::unordered_set<std::string> SHAPED{"aten::ones_like", "aten::zeros_like", "aten::full_like", "aten::ones",
                                             "aten::zeros", "aten::full", "aten::new_zeros", "aten::new_ones"};

using Kernel = void (*)(void**);  // of pointers to what it reads, then to what it writes

enum class How { Write, Replace, Read, Guard, Fused };

struct Step {
  How how;
  Handle op;
  std::vector<IValue> args;
  std::vector<std::pair<size_t, size_t>> paced;  // which argument is which number of the period
  Tensors results;
  Kernel kernel = nullptr;  // of a fused call, whose results are all tensors that it takes
  std::vector<void*> at;    // where they lie, as long as none is replaced
};

// Where a tensor lies, and how many bytes it takes.
struct Span {
  char* at;
  size_t bytes;

  static Span of(const Tensor& t) { return {static_cast<char*>(t.data_ptr()), t.nbytes()}; }
};

using Spans = std::vector<Span>;

void* memory(const Tensor& t) { return t.storage().unsafeGetStorageImpl(); }

Tensors tensors(const std::vector<IValue>& values) {
  Tensors found;
  for (const IValue& v : values) {
    if (v.isTensor()) found.push_back(v.toTensor());
    else if (v.isList()) for (const Tensor& t : tensors(v.toListRef().vec())) found.push_back(t);
  }
  return found;
}

void call(Kernel kernel, const Tensors& all) {
  c10::SmallVector<void*, 64> at;
  for (const Tensor& t : all) at.push_back(t.data_ptr());
  kernel(at.data());
}

Tensor own(const Tensor& t) { return at::empty_strided(t.sizes(), t.strides(), t.options()).copy_(t); }

bool writes(const c10::Argument& of) { return of.alias_info() && of.alias_info()->isWrite(); }

// The form of an operator that writes its results into given tensors, where the CPU has one of its own. That of a loss
// first makes room for the loss of each element, whether it is asked for their mean or not.
Handle writing(const c10::FunctionSchema& schema) {
  if (schema.name().ends_with("_loss")) return std::nullopt;
  const auto& mine = schema.arguments();
  for (const auto& other : torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString(schema.name()))) {
    const auto& theirs = other->schema().arguments();
    if (!other->isC10Op() || theirs.size() != mine.size() + schema.returns().size()) continue;
    bool fits = true;
    for (size_t k = 0; k < theirs.size(); k++)
      fits = fits && writes(theirs[k]) == (k >= mine.size()) &&
             (k >= mine.size() || (mine[k].name() == theirs[k].name() && *mine[k].type() == *theirs[k].type()));
    auto op = fits ? c10::Dispatcher::singleton().findSchema(other->schema().operator_name()) : std::nullopt;
    if (op && op->hasKernelForDispatchKey(c10::DispatchKey::CPU)) return op;
  }
  return std::nullopt;
}

}  // namespace
