// The driver of engine=replay and engine=compiled: plans of learning periods, one at a time or in bursts.

#include "plan.hpp"

#include <ATen/EmptyTensor.h>
#include <ATen/ops/cat.h>

#include <chrono>
#include <cstring>

namespace {

using Clock = std::chrono::steady_clock;

// Tensors of one form lie alike: where they have no gaps their bytes are copied.
void put(const Tensor& into, const Tensor& from) {
  if (!into.is_non_overlapping_and_dense()) into.copy_(from);
  else if (into.data_ptr() != from.data_ptr()) std::memcpy(into.data_ptr(), from.data_ptr(), into.nbytes());
}

Tensor copy(const Tensor& of) {
  if (!of.is_non_overlapping_and_dense()) return of.clone();
  const Tensor found = at::detail::empty_strided_cpu(of.sizes(), of.strides(), of.options());
  std::memcpy(found.data_ptr(), of.data_ptr(), of.nbytes());
  return found;
}

Tensors copied(const Tensors& of, size_t from = 0) {
  Tensors found;
  for (size_t k = from; k < of.size(); k++) found.push_back(copy(of[k]));
  return found;
}

bool alike(const Tensor& a, const Tensor& b) {
  return a.sizes() == b.sizes() && a.strides() == b.strides() && a.scalar_type() == b.scalar_type();
}

// What a period leaves, and the numbers that it read: from one that is not finite on all are that one.
std::tuple<Tensors, Numbers> run(const c10::intrusive_ptr<Plan>& plan, const Tensors& inputs, const Numbers& now) {
  Below below;
  Numbers read;
  for (size_t k = 0; k < inputs.size(); k++) plan->given[k].copy_(inputs[k]);
  plan->go(now.data(), read);
  read.resize(plan->numbers, read.empty() ? 0.0 : read.back());
  return {copied(plan->left), read};
}

// Periods one after the other, plans taking turns: of each `asked` of the inputs, then what the one before has carried
// on, and `pace` numbers. Returns what each that is done has left first, its first number, and `watched` after it as
// one row; what is carried on then; and of one that was stopped what it left and read. It ends early where inputs are
// of another kind, or after so many seconds.
std::tuple<Tensors, Numbers, Tensors, Tensors, Tensors, Numbers> burst(
    const std::vector<c10::intrusive_ptr<Plan>>& plans, const Tensors& inputs, int64_t asked, const Tensors& carried,
    const Numbers& pace, const Tensors& watched, double seconds) {
  Below below;
  const auto begin = Clock::now();
  Tensors firsts, rows;
  Numbers losses, read;
  const Plan* before = nullptr;
  for (size_t k = 0; (k + 1) * asked <= inputs.size(); k++) {
    Plan& plan = *plans[k % plans.size()];
    const Tensor* mine = &inputs[k * asked];
    bool fits = true;
    for (int64_t i = 0; i < asked; i++) fits = fits && alike(mine[i], plan.given[i]);
    if (!fits || (before && std::chrono::duration<double>(Clock::now() - begin).count() > seconds)) break;
    for (int64_t i = 0; i < asked; i++) put(plan.given[i], mine[i]);
    for (size_t i = asked; i < plan.given.size(); i++) {
      const Tensor& from = before ? before->left[i - asked + 1] : carried[i - asked];
      if (alike(plan.given[i], from)) put(plan.given[i], from);
      else plan.given[i].copy_(from);
    }
    read.clear();
    if (!plan.go(pace.data() + k * plan.pace, read)) {
      read.resize(plan.numbers, read.back());
      return {firsts, losses, rows, copied(plan.given, asked), copied(plan.left), read};
    }
    firsts.push_back(copy(plan.left[0]));
    losses.push_back(read[0]);
    if (!watched.empty()) rows.push_back(at::cat(watched));
    before = &plan;
  }
  return {firsts, losses, rows, before ? copied(before->left, 1) : carried, {}, {}};
}

// A fused kernel at an address. A plan calls it by itself.
void fused(int64_t at, const Tensors& read, const Tensors& written) {
  Tensors all = read;
  all.insert(all.end(), written.begin(), written.end());
  call(reinterpret_cast<Kernel>(at), all);
}

}  // namespace

TORCH_LIBRARY(hl_run, library) {
  library.class_<Plan>("Plan")
      .def(torch::init<std::string>())
      .def("prepare", &Plan::prepare)
      .def("steady", [](const c10::intrusive_ptr<Plan>& plan) { return plan->steady; });
  library.def("fused(int at, Tensor[] read, Tensor(a!)[] written) -> ()");
  library.def("run", &run);
  library.def("burst", &burst);
}

TORCH_LIBRARY_IMPL(hl_run, CPU, library) { library.impl("fused", &fused); }
