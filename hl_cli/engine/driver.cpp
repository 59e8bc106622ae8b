// The driver of engine=replay: plans of learning periods, one at a time or in bursts.

#include "plan.hpp"

#include <ATen/ops/cat.h>

#include <chrono>

namespace {

using Clock = std::chrono::steady_clock;

Tensors copied(const Tensors& of, size_t from = 0) {
  Tensors found;
  for (size_t k = from; k < of.size(); k++) found.push_back(of[k].clone());
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
    for (int64_t i = 0; i < asked; i++) plan.given[i].copy_(mine[i]);
    for (size_t i = asked; i < plan.given.size(); i++)
      plan.given[i].copy_(before ? before->left[i - asked + 1] : carried[i - asked]);
    read.clear();
    if (!plan.go(pace.data() + k * plan.pace, read)) {
      read.resize(plan.numbers, read.back());
      return {firsts, losses, rows, copied(plan.given, asked), copied(plan.left), read};
    }
    firsts.push_back(plan.left[0].clone());
    losses.push_back(read[0]);
    if (!watched.empty()) rows.push_back(at::cat(watched));
    before = &plan;
  }
  return {firsts, losses, rows, before ? copied(before->left, 1) : carried, {}, {}};
}

}  // namespace

TORCH_LIBRARY(hl_run, library) {
  library.class_<Plan>("Plan")
      .def(torch::init<std::string>())
      .def("prepare", &Plan::prepare)
      .def("steady", [](const c10::intrusive_ptr<Plan>& plan) { return plan->steady; });
  library.def("run", &run);
  library.def("burst", &burst);
}
