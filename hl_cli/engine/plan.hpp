// The calls of a recorded learning period, made again through PyTorch's dispatcher.
//
// A Plan is made of the text of hl_cli.engine.program. `prepare` makes the calls once and keeps what each of them gives:
// from then on every tensor has its place. A view is not made again. A call with a native form that writes its result
// takes that form. Of any other the memory of the new result takes the place of that of the old one. The kernels, their
// order and so the bits are those of the eager period.

#pragma once

#include "forms.hpp"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/all.h>
#include <ATen/ops/isfinite.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/ir/irparser.h>
#include <torch/custom_class.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace {

using Below = at::AutoDispatchBelowADInplaceOrView;
constexpr size_t MOST = size_t(1) << 26;  // bytes of results that may be kept

struct Plan : torch::CustomClassHolder {
  explicit Plan(const std::string& text) { torch::jit::parseIR(text, &graph); }

  torch::jit::Graph graph;
  std::vector<Step> steps;
  Tensors given, rates, left;
  size_t pace = 0, numbers = 0, bytes = 0;
  bool steady = true;  // whether it can take turns: what it is given is there as long as it may be taken again
  bool fixed = false;  // whether no tensor is replaced
  Spans into, from;    // of what it is given, and of what it leaves, where it is fixed

  // all: inputs; numbers of the period, the same negative, and as tensors; then what stays
  void prepare(const c10::List<IValue>& all, int64_t inputs, int64_t paces) {
    Below below;
    pace = paces;
    std::unordered_map<const torch::jit::Value*, IValue> is;
    std::unordered_map<const torch::jit::Value*, size_t> paced;
    for (size_t k = 0; k < all.size(); k++) {
      const auto* name = graph.inputs()[k];
      is[name] = all.get(k);
      Tensors* into = k < size_t(inputs) ? &given : k >= inputs + 2 * pace && k < inputs + 3 * pace ? &rates : nullptr;
      if (into) is[name] = into->emplace_back(own(is[name].toTensor()));
      else if (k < inputs + 2 * pace) paced[name] = k - inputs;
    }
    std::unordered_set<void*> written;
    const auto overwritten = [&] {
      return std::any_of(given.begin(), given.end(), [&](const Tensor& t) { return written.count(memory(t)); });
    };
    for (torch::jit::Node* node : graph.nodes()) {
      const std::string kind = node->kind().toQualString();
      std::vector<IValue> args;
      for (const auto* v : node->inputs()) if (is.count(v)) args.push_back(is[v]);
      if (kind == "prim::Constant") {
        is[node->output()] = *torch::jit::toIValue(node->output());
      } else if (kind == "prim::ListConstruct") {
        c10::impl::GenericList list(node->output()->type()->expectRef<c10::ListType>().getElementType());
        for (const IValue& v : args) list.push_back(v);
        is[node->output()] = list;
      } else if (kind == "prim::ListUnpack") {
        for (size_t k = 0; k < node->outputs().size(); k++) is[node->outputs()[k]] = args[0].toList().get(k);
      } else if (kind == "aten::_local_scalar_dense") {
        steps.push_back({How::Read, {}, args, {}, {}});
        numbers++;
      } else if (kind == "hl::guard") {
        steps.push_back({How::Guard, {}, args, {}, {}});
        steady = steady && !(args.empty() && overwritten());  // the guard of the weights is the last
      } else if (kind != "aten::Float") {
        const auto& schema = node->getOperator().schema();
        Step step{How::Write, c10::Dispatcher::singleton().findSchema(schema.operator_name()), args, {}, {}};
        TORCH_CHECK(step.op, schema.name(), " is not known to the dispatcher");
        for (size_t k = 0; k < node->inputs().size(); k++)
          if (paced.count(node->inputs()[k])) step.paced.emplace_back(k, paced[node->inputs()[k]]);
        step.op->callBoxed(args);
        for (size_t k = 0; k < args.size(); k++) is[node->outputs()[k]] = args[k];
        step.results = tensors(args);
        if (planned(step, schema, written)) steps.push_back(std::move(step));
      }
    }
    std::erase_if(steps, [&](const Step& s) {
      return s.op && s.paced.empty() && SHAPED.count(s.op->schema().name()) && !written.count(memory(s.results[0]));
    });
    for (const auto* v : graph.outputs()) left.push_back(is[v].toTensor());
    const auto dense = [](const Tensor& t) { return t.is_non_overlapping_and_dense(); };
    steady = steady && std::all_of(given.begin(), given.end(), dense) && std::all_of(left.begin(), left.end(), dense);
    fixed = std::all_of(steps.begin(), steps.end(), [](const Step& s) { return s.how != How::Replace; });
    for (Step& step : steps) {
      if (!fixed) break;
      if (step.how == How::Fused) for (const Tensor& t : step.results) step.at.push_back(t.data_ptr());
      if (step.how == How::Read) step.at.push_back(step.args[0].toTensor().data_ptr());
    }
    std::transform(given.begin(), given.end(), std::back_inserter(into), Span::of);
    if (fixed) std::transform(left.begin(), left.end(), std::back_inserter(from), Span::of);
    for (size_t k = 1; k < left.size(); k++)
      for (size_t j = 0; j < given.size(); j++)  // carried on in its own place, or in memory of its own
        steady = steady && (!left[k].is_alias_of(given[j]) ||
                            (left[k].is_same(given[j]) && j + left.size() == k + given.size()));
  }

  // Whether a call is made again, and how.
  bool planned(Step& step, const c10::FunctionSchema& schema, std::unordered_set<void*>& written) {
    const Tensors from = tensors(step.args);
    if (schema.is_mutable()) {
      for (size_t k = 0; k < schema.arguments().size(); k++)
        if (writes(schema.arguments()[k])) for (const Tensor& t : tensors({step.args[k]})) written.insert(memory(t));
      if (schema.name() == "hl_run::fused") {
        step.how = How::Fused;
        step.kernel = reinterpret_cast<Kernel>(step.args[0].toInt());
        step.results = from;
      }
      return true;
    }
    size_t there = 0, views = 0;
    for (const Tensor& r : step.results) {
      if (!r.defined()) continue;
      there++;
      bytes += r.nbytes();
      views += std::any_of(from.begin(), from.end(), [&](const Tensor& f) { return f.defined() && f.is_alias_of(r); });
    }
    TORCH_CHECK(bytes <= MOST, "its results are more than ", MOST, " bytes");
    TORCH_CHECK(views == 0 || views == there, "some results of ", schema.name(), " are views, and some are not");
    if (views) return false;
    step.how = How::Replace;
    Handle op = there == schema.returns().size() && there == step.results.size() ? writing(schema) : std::nullopt;
    if (op) {
      step.how = How::Write;
      step.op = op;
      for (const Tensor& r : step.results) step.args.emplace_back(r);
    }
    return true;
  }

  // One period; returns whether all numbers that it reads are finite, and stops at one that is not: all others after it
  // are then that one.
  bool go(const double* now, double* read) {
    std::vector<IValue> stack;
    const double* const end = read + numbers;
    for (size_t k = 0; k < rates.size(); k++) fill(rates[k], now[k]);
    for (Step& step : steps) {
      if (step.how == How::Fused) {
        if (step.at.empty()) call(step.kernel, step.results);
        else step.kernel(step.at.data());
      } else if (step.how == How::Read) {
        *read++ = number(step);
      } else if (step.how == How::Guard) {
        // the sum of a tensor may overflow alone
        const bool fine = std::isfinite(read[-1]) ||
                          (!step.args.empty() && at::isfinite(step.args[0].toTensor()).all().item().toBool());
        if (!fine) {
          for (; read != end; read++) *read = read[-1];
          return false;
        }
      } else {
        for (auto [k, which] : step.paced) step.args[k] = which < pace ? now[which] : -now[which - pace];
        stack.assign(step.args.begin(), step.args.end());
        step.op->callBoxed(stack);
        if (step.how == How::Replace) replace(step.results, tensors(stack));
        stack.clear();
      }
    }
    return true;
  }

  static double number(const Step& read) {
    const Tensor& t = read.args[0].toTensor();
    const void* at = read.at.empty() ? t.const_data_ptr() : read.at[0];
    if (t.scalar_type() == at::kFloat) return *static_cast<const float*>(at);
    return t.scalar_type() == at::kDouble ? *static_cast<const double*>(at) : t.item().toDouble();
  }

  static void fill(const Tensor& t, double value) {
    if (t.scalar_type() == at::kFloat) *t.mutable_data_ptr<float>() = float(value);
    else if (t.scalar_type() == at::kDouble) *t.mutable_data_ptr<double>() = value;
    else t.fill_(value);
  }

  // Results of now are to be those of before, which others are views of.
  static void replace(const Tensors& before, const Tensors& now) {
    for (size_t k = 0; k < now.size(); k++) {
      if (!now[k].defined()) continue;
      const at::Storage &old = before[k].storage(), &fresh = now[k].storage();
      const bool alone = fresh.use_count() == 1 && fresh.nbytes() == old.nbytes() && !now[k].storage_offset() &&
                         !before[k].storage_offset() && before[k].strides() == now[k].strides();
      if (alone) old.set_data_ptr(fresh.set_data_ptr(at::DataPtr()));
      else before[k].copy_(now[k]);
    }
  }
};

}  // namespace
