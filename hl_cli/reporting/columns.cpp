// Lines of text as rows of numbers: the number nearest to what is written, as Python's float has it.
#include <charconv>
#include <cstdint>
#include <limits>

// text: `size` characters, whole lines of `columns` cells with commas between them; an empty cell is NaN. table: room for
// `room` rows, row by row. Returns the rows, -1 where anything else is written there.
extern "C" int64_t hl_run_numbers(const char* text, int64_t size, int64_t columns, double* table, int64_t room) {
  const char* const end = text + size;
  int64_t rows = 0;
  while (text < end) {
    if (rows++ == room) return -1;
    for (int64_t column = 0; column < columns; column++) {
      const bool last = column == columns - 1;
      double value = std::numeric_limits<double>::quiet_NaN();
      if (text < end && *text != ',' && *text != '\r') {
        const auto [to, error] = std::from_chars(text, end, value);
        if (error != std::errc()) return -1;
        text = to;
      }
      if (last && text < end && *text == '\r') text++;
      if (text == end || *text++ != (last ? '\n' : ',')) return -1;
      *table++ = value;
    }
  }
  return rows;
}
