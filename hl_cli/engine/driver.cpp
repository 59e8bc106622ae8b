// The driver of engine=replay and engine=compiled: plans of learning periods, one at a time or one after the other.

#include "turns.hpp"

#include <ATen/EmptyTensor.h>

namespace {

Tensor copy(const Tensor& of) {
  if (!of.is_non_overlapping_and_dense()) return of.clone();
  const Tensor found = at::detail::empty_strided_cpu(of.sizes(), of.strides(), of.options());
  std::memcpy(found.data_ptr(), of.data_ptr(), of.nbytes());
  return found;
}

Tensors copied(const Tensors& of) {
  Tensors found;
  for (const Tensor& one : of) found.push_back(copy(one));
  return found;
}

// What a period leaves, and the numbers that it read: from one that is not finite on all are that one.
std::tuple<Tensors, Numbers> run(const c10::intrusive_ptr<Plan>& plan, const Tensors& inputs, const Numbers& now) {
  Below below;
  Numbers read(plan->numbers);
  for (size_t k = 0; k < inputs.size(); k++) plan->given[k].copy_(inputs[k]);
  plan->go(now.data(), read.data());
  return {copied(plan->left), read};
}

// A fused kernel at an address. A plan calls it by itself.
void fused(int64_t at, const Tensors& read, const Tensors& written) {
  Tensors all = read;
  all.insert(all.end(), written.begin(), written.end());
  call(reinterpret_cast<Kernel>(at), all);
}

}  // namespace

// Turns::go for ctypes, which asks for it in a fraction of the time of torch.ops; the lowest number where it throws.
extern "C" int64_t hl_run_turns(
    Turns* turns, int64_t begin, int64_t count, int64_t tick, const void* const* samples, void* const* carried, const double* pace,
    char* said, double* read, const void* const* watched, const int64_t* sizes, int64_t watches, char* rows,
    double seconds) {
  try {
    return turns->go(begin, count, tick, {samples, carried, pace, said, read, watched, sizes, watches, rows}, seconds);
  } catch (const std::exception& error) {
    turns->fault = error.what();
    return std::numeric_limits<int64_t>::min();
  }
}

TORCH_LIBRARY(hl_run, library) {
  library.class_<Plan>("Plan")
      .def(torch::init<std::string>())
      .def("prepare", &Plan::prepare)
      .def("steady", [](const c10::intrusive_ptr<Plan>& plan) { return plan->steady; })
      .def("numbers", [](const c10::intrusive_ptr<Plan>& plan) { return int64_t(plan->numbers); })
      .def("given", [](const c10::intrusive_ptr<Plan>& plan) { return plan->given; })
      .def("left", [](const c10::intrusive_ptr<Plan>& plan) { return copied(plan->left); });
  library.class_<Turns>("Turns")
      .def(torch::init<std::vector<c10::intrusive_ptr<Plan>>, int64_t, Tensor, double, int64_t>())
      .def("address", [](const c10::intrusive_ptr<Turns>& turns) { return reinterpret_cast<int64_t>(turns.get()); })
      .def("fault", [](const c10::intrusive_ptr<Turns>& turns) { return turns->fault; });
  library.def("fused(int at, Tensor[] read, Tensor(a!)[] written) -> ()");
  library.def("run", &run);
}

TORCH_LIBRARY_IMPL(hl_run, CPU, library) { library.impl("fused", &fused); }
