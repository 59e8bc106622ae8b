// Rows of numbers as lines of text, each number as Python's repr has it: the fewest digits that read back as the number.
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace {

char* put(char* to, const char* from, long count) {
  std::memcpy(to, from, count);
  return to + count;
}

char* zeros(char* to, long count) {
  std::memset(to, '0', count);
  return to + count;
}

// At most 24 characters. Python writes an exponent from 1e16 on and below 1e-4.
char* number(char* to, double value) {
  if (std::isnan(value)) return to;  // there is none: an empty cell
  if (std::signbit(value)) *to++ = '-';
  if (std::isinf(value)) return put(to, "inf", 3);
  char all[32], digits[32];
  char* const end = std::to_chars(all, all + sizeof all, std::fabs(value), std::chars_format::scientific).ptr;
  const char* const mark = static_cast<const char*>(std::memchr(all, 'e', end - all));
  int power = 0;
  std::from_chars(mark + 2, end, power);
  if (mark[1] == '-') power = -power;
  if (power < -4 || power > 15) return put(to, all, end - all);
  digits[0] = all[0];
  const long count = mark - all > 1 ? mark - all - 1 : 1;
  std::memcpy(digits + 1, all + 2, count - 1);
  if (power < 0) return put(zeros(put(to, "0.", 2), -power - 1), digits, count);
  if (count <= power + 1) return put(zeros(put(to, digits, count), power + 1 - count), ".0", 2);
  to = put(put(to, digits, power + 1), ".", 1);
  return put(to, digits + power + 1, count - power - 1);
}

}  // namespace

// table: (rows, columns), row by row; first: what is counted at the first row; text: room for 32 characters a number
// and a count. Returns how many were written.
extern "C" int64_t hl_run_lines(int64_t first, int64_t rows, int64_t columns, const double* table, char* text) {
  char* to = text;
  for (int64_t row = 0; row < rows; row++) {
    to = std::to_chars(to, to + 32, first + row).ptr;
    for (int64_t column = 0; column < columns; column++) {
      *to++ = ',';
      to = number(to, *table++);
    }
    to = put(to, "\r\n", 2);
  }
  return to - text;
}
