/* The functions of a list of numbers in C: cc -O2 -o softmax softmax.c -lm && ./softmax

   Of JSON it reads what it needs: the name of the function, and the numbers between the first
   bracket and its end. */

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 4096 };

static double largest(const double *z, int n)
{
    double m = z[0];
    for (int a = 1; a < n; a++)
        m = fmax(m, z[a]);
    return m;
}

/* The sum of e^(z - m), without the first of the largest. */
static double rest(const double *z, int n, double m)
{
    double sum = 0;
    int out = 0;
    for (int a = 0; a < n; a++)
        if (z[a] != m || out++)
            sum += exp(z[a] - m);
    return sum;
}

static double sigmoid(double t)
{
    return t >= 0 ? 1 / (1 + exp(-t)) : exp(t) / (1 + exp(t));
}

static double softplus(double t)
{
    return fmax(t, 0) + log1p(exp(-fabs(t)));
}

/* The numbers of a list, or -1 for anything else. */
static int numbers(const char *text, double *z)
{
    int n = 0;
    while (n < MOST) {
        char *end;
        while (isspace((unsigned char)*text))
            text++;
        if (!isdigit((unsigned char)*text) && *text != '-')
            return -1;
        z[n] = strtod(text, &end);
        if (end == text || !isfinite(z[n++]))
            return -1;
        for (text = end; isspace((unsigned char)*text); text++)
            ;
        if (*text == ']')
            return n;
        if (*text++ != ',')
            return -1;
    }
    return -1;
}

static void print_all(const double *z, int n)
{
    printf("{\"output\": [");
    for (int a = 0; a < n; a++)
        printf("%s%.17g", a ? ", " : "", z[a]);
    puts("]}");
}

int main(void)
{
    static char line[1 << 20];
    static double z[MOST], out[MOST];
    while (fgets(line, sizeof line, stdin)) {
        const char *list = strchr(line, '[');
        int each = strstr(line, "\"sigmoid.sigmoid\"") ? 1 : strstr(line, "\"sigmoid.softplus\"") ? 2
                 : strstr(line, "\"sigmoid.log_sigmoid\"") ? 3 : 0;
        int row = strstr(line, "\"softmax.softmax\"") ? 1 : strstr(line, "\"softmax.log_softmax\"") ? 2
                : strstr(line, "\"softmax.logsumexp\"") ? 3 : 0;
        /* A list of lists, another axis, weights of the terms: not here. */
        int more = strstr(line, "[[") || strstr(line, "\"axis\"") || strstr(line, "\"b\"");
        if (more || (!each && !row)) {
            puts("{\"unsupported\": true}");
            continue;
        }
        int n = list ? numbers(list + 1, z) : -1;
        if (n < 1) {
            puts("{\"error\": \"expected a list of finite numbers\"}");
            continue;
        }
        double m = largest(z, n), others = rest(z, n, m);
        if (row == 3) {
            printf("{\"output\": %.17g}\n", m + log1p(others));
            continue;
        }
        for (int a = 0; a < n; a++)
            out[a] = each == 1 ? sigmoid(z[a]) : each == 2 ? softplus(z[a]) : each == 3 ? -softplus(-z[a])
                   : row == 1 ? exp(z[a] - m) / (1 + others) : z[a] - m - log1p(others);
        print_all(out, n);
    }
    return 0;
}
