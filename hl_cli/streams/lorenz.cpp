// The orbit of hl_cli/streams/lorenz.py, with the very operations of its Python and in their order, hence with its bits.
// For that nothing may be contracted or reordered, and doubles must be rounded to doubles.
#include <cfloat>
#include <cstdint>

static_assert(FLT_EVAL_METHOD == 0, "doubles are not rounded to doubles");

// point: x, y, z; rules: five numbers each, as there; orbit: (count, 3), the point after each tick.
extern "C" void hl_run_lorenz(const double* point, double sigma, double rho, double beta, const double* rules, int64_t number,
                              int64_t parts, int64_t count, double* orbit) {
    double x = point[0], y = point[1], z = point[2];
    for (int64_t tick = 0; tick < count; ++tick) {
        for (int64_t part = 0; part < parts; ++part) {
            const double dx = sigma * (y - x), dy = x * (rho - z) - y, dz = x * y - beta * z;
            double xs = 0, ys = 0, zs = 0;
            for (const double* rule = rules; rule != rules + 5 * number; rule += 5) {
                const double h = rule[1], k = rule[2], ks = rule[3], weight = rule[4];
                double px = x, py = y, pz = z;
                double qx = x + h * dx, qy = y + h * dy, qz = z + h * dz;
                for (int64_t pairs = int64_t(rule[0]); pairs > 0; --pairs) {
                    px += ks * (qy - qx);
                    py += k * (qx * (rho - qz) - qy);
                    pz += k * (qx * qy - beta * qz);
                    qx += ks * (py - px);
                    qy += k * (px * (rho - pz) - py);
                    qz += k * (px * py - beta * pz);
                }
                xs += weight * (px + ks * (qy - qx));
                ys += weight * (py + k * (qx * (rho - qz) - qy));
                zs += weight * (pz + k * (qx * qy - beta * qz));
            }
            x = xs, y = ys, z = zs;
        }
        orbit[3 * tick] = x, orbit[3 * tick + 1] = y, orbit[3 * tick + 2] = z;
    }
}
