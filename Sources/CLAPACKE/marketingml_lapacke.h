#ifndef MARKETINGML_LAPACKE_H
#define MARKETINGML_LAPACKE_H
#include <lapacke.h>
#endif
