// The losses of linear models over many examples, and their conjugates: plain C in double, since the C library's
// exponential and logarithm take most of the time.

#include <math.h>
#include <stddef.h>

#include "CTensorKernels.h"

// log(1 + exp(x)) without overflow.
static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

// x log x, 0 at 0.
static double entropy(double x) { return x > 0 ? x * log(x) : 0; }

double mml_linear_loss(
    int loss, double epsilon, ptrdiff_t n, const double *targets, const double *costs, const double *z, double *slope,
    double *curvature) {
    double total = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        const double c = costs[i], y = targets[i];
        double value, first, second;
        switch (loss) {
            case MML_LOSS_LOGISTIC: {
                const double m = y * z[i], e = exp(-fabs(m)), p = (m > 0 ? e : 1) / (1 + e);  // p = 1 / (1 + exp(m))
                value = log1p(e) + (m > 0 ? 0 : -m);
                first = -y * p;
                second = e / ((1 + e) * (1 + e));
                break;
            }
            case MML_LOSS_HINGE: {
                const double slack = 1 - y * z[i];
                value = slack > 0 ? slack : slack <= 0 ? 0 : slack;
                first = slack > 0 ? -y : 0;
                second = 0;
                break;
            }
            case MML_LOSS_SQUARED_HINGE: {
                const double slack = 1 - y * z[i];
                value = slack <= 0 ? 0 : slack * slack;
                first = slack <= 0 ? 0 : -2 * y * slack;
                second = slack > 0 ? 2 : 0;
                break;
            }
            default: {
                const double miss = z[i] - y, over = fabs(miss) - epsilon;
                const int squared = loss == MML_LOSS_SQUARED_EPSILON;
                value = over <= 0 ? 0 : squared ? over * over : over;
                first = over <= 0 ? 0 : (miss > 0 ? 1 : -1) * (squared ? 2 * over : 1);
                second = over > 0 && squared ? 2 : 0;
            }
        }
        total += c * value;
        if (slope != NULL) {
            slope[i] = c * first;
            curvature[i] = c * second;
        }
    }
    return total;
}

double mml_linear_gap(
    int loss, double epsilon, ptrdiff_t n, const double *targets, const double *costs, const double *z,
    const double *beta) {
    double total = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        const double c = costs[i], y = targets[i], a = y * beta[i], slack = 1 - y * z[i];
        if (c == 0) continue;
        switch (loss) {
            case MML_LOSS_LOGISTIC:
                total += c * softplus(-y * z[i]) + c * (entropy(a / c) + entropy(1 - a / c)) + a * y * z[i];
                break;
            case MML_LOSS_HINGE: total += (slack > 0 ? c * slack : 0) - a * slack; break;
            case MML_LOSS_SQUARED_HINGE: total += (slack > 0 ? c * slack * slack : 0) - a * slack + a * a / (4 * c); break;
            default: {
                const double residual = y - z[i], excess = fabs(residual) - epsilon, over = excess > 0 ? excess : 0;
                const int squared = loss == MML_LOSS_SQUARED_EPSILON;
                total += c * (squared ? over * over : over) - beta[i] * residual + epsilon * fabs(beta[i])
                       + (squared ? beta[i] * beta[i] / (4 * c) : 0);
            }
        }
    }
    return total;
}
