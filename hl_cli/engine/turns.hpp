// Learning periods one after the other: plans take turns, each goes on from what the one before has left.
//
// All is from memory to memory, without a tensor that is made on the way: hl_cli.engine.turns gives the places.

#pragma once

#include "plan.hpp"

#include <ATen/ops/aminmax.h>

#include <chrono>
#include <cstring>

namespace {

constexpr int64_t CLOCK = 16;  // periods between two looks at the clock

struct Turns : torch::CustomClassHolder {
  Turns(std::vector<c10::intrusive_ptr<Plan>> plans, int64_t asked, Tensor theta, double reach, int64_t every)
      : plans(std::move(plans)), asked(asked), theta(std::move(theta)), reach(reach), every(every) {}

  std::vector<c10::intrusive_ptr<Plan>> plans;
  size_t asked;   // how many of the inputs are of the sample
  Tensor theta;   // all weights
  double reach;   // how far one of them may be
  int64_t every;  // ticks between two looks at them; 0: none
  std::string fault;

  struct Places {
    const void* const* samples;     // of each period what it is asked
    void* const* carried;           // what the first goes on from; into it goes what goes on after the last
    const double* pace;             // numbers of each period
    char* said;                     // into: what each leaves first
    double* read;                   // into: the numbers that each reads
    const void* const* watched;     // what is copied after each period
    const int64_t* sizes;           // in bytes
    int64_t watches;
    char* rows;                     // into: that
  };

  // Returns how many are done: all, fewer where the seconds are over or the weights too far, or -1 - done where a
  // number is not finite.
  int64_t go(int64_t begin, int64_t count, int64_t tick, const Places& at, double seconds) {
    using Clock = std::chrono::steady_clock;
    const auto until = Clock::now() + std::chrono::duration<double>(seconds);
    Below below;
    const Plan* before = nullptr;
    char *said = at.said, *rows = at.rows;
    double* read = at.read;
    size_t which = begin % plans.size();
    int64_t look = every ? (every - tick % every) % every : -1;  // periods until the weights are looked at
    for (int64_t k = 0; k < count; k++) {
      if ((k % CLOCK == CLOCK - 1 && Clock::now() > until) || (k == look && far()))
        return before ? carry(*before, at, k) : 0;
      if (k == look) look += every;
      Plan& plan = *plans[which];
      if (++which == plans.size()) which = 0;
      const Spans& from = before ? left(*before) : plan.from;
      for (size_t i = 0; i < asked; i++) put(plan.into[i], at.samples[k * asked + i]);
      for (size_t i = asked; i < plan.into.size(); i++)
        put(plan.into[i], before ? from[i - asked + 1].at : at.carried[i - asked]);
      if (!plan.go(at.pace + k * plan.pace, read)) {
        for (size_t i = asked; i < plan.into.size(); i++) get(at.carried[i - asked], plan.into[i]);
        return -1 - k;
      }
      read += plan.numbers;
      before = &plan;
      const Span first = left(plan)[0];
      get(said, first);
      said += first.bytes;
      for (int64_t w = 0; w < at.watches; rows += at.sizes[w++]) std::memcpy(rows, at.watched[w], at.sizes[w]);
    }
    return carry(*before, at, count);
  }

 private:
  Spans lies;  // what a plan that is not fixed has left

  // As for the eager learner, a NaN is not far.
  bool far() const {
    const auto [least, most] = at::aminmax(theta);
    return most.item().toDouble() > reach || least.item().toDouble() < -reach;
  }

  static void get(void* into, const Span& from) { std::memcpy(into, from.at, from.bytes); }

  static void put(const Span& into, const void* from) {
    if (into.at != from) std::memcpy(into.at, from, into.bytes);
  }

  // Where the plan that was taken last has left all.
  const Spans& left(const Plan& last) {
    if (last.fixed) return last.from;
    lies.clear();
    std::transform(last.left.begin(), last.left.end(), std::back_inserter(lies), Span::of);
    return lies;
  }

  int64_t carry(const Plan& last, const Places& at, int64_t done) {
    const Spans& from = left(last);
    for (size_t i = 1; i < from.size(); i++) get(at.carried[i - 1], from[i]);
    return done;
  }
};

}  // namespace
