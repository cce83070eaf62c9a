#ifndef MARKETINGML_OPENBLAS_H
#define MARKETINGML_OPENBLAS_H
#include <cblas.h>
#endif
