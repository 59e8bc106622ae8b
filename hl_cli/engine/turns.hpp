// Learning periods one after the other: plans take turns, each goes on from what the one before has left.
//
// All is from memory to memory, without a tensor that is made on the way: hl_cli.engine.turns gives the places.

#pragma once

#include "plan.hpp"

#include <chrono>
#include <cstring>

namespace {

constexpr int64_t LOOK = 16;  // periods between two looks at the clock

struct Turns : torch::CustomClassHolder {
  Turns(std::vector<c10::intrusive_ptr<Plan>> plans, int64_t asked, Tensor theta, double reach, int64_t every)
      : plans(std::move(plans)), asked(asked), theta(std::move(theta)), reach(reach), every(every) {}

  std::vector<c10::intrusive_ptr<Plan>> plans;
  size_t asked;  // how many of the inputs are of the sample
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
    double* into = at.read;
    for (int64_t k = 0; k < count; k++) {
      if ((k % LOOK == LOOK - 1 && Clock::now() > until) || (every && (tick + k) % every == 0 && far()))
        return before ? carry(*before, at, k) : 0;
      Plan& plan = *plans[(begin + k) % plans.size()];
      for (size_t i = 0; i < asked; i++) put(plan.given[i], at.samples[k * asked + i]);
      for (size_t i = asked; i < plan.given.size(); i++)
        put(plan.given[i], before ? before->left[i - asked + 1].const_data_ptr() : at.carried[i - asked]);
      read.clear();
      const bool well = plan.go(at.pace + k * plan.pace, read);
      read.resize(plan.numbers, read.empty() ? 0.0 : read.back());
      into = std::copy(read.begin(), read.end(), into);
      if (!well) {
        for (size_t i = asked; i < plan.given.size(); i++) get(at.carried[i - asked], plan.given[i]);
        return -1 - k;
      }
      get(said, plan.left[0]);
      said += plan.left[0].nbytes();
      for (int64_t w = 0; w < at.watches; rows += at.sizes[w++]) std::memcpy(rows, at.watched[w], at.sizes[w]);
      before = &plan;
    }
    return carry(*before, at, count);
  }

 private:
  Numbers read;

  bool far() const { return theta.abs().max().item().toDouble() > reach; }

  static void get(void* into, const Tensor& from) { std::memcpy(into, from.const_data_ptr(), from.nbytes()); }

  static void put(const Tensor& into, const void* from) {
    if (into.const_data_ptr() != from) std::memcpy(into.mutable_data_ptr(), from, into.nbytes());
  }

  static int64_t carry(const Plan& last, const Places& at, int64_t done) {
    for (size_t i = 1; i < last.left.size(); i++) get(at.carried[i - 1], last.left[i]);
    return done;
  }
};

}  // namespace
