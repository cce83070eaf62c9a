#ifndef MARKETINGML_ZLIB_H
#define MARKETINGML_ZLIB_H
#include <zlib.h>
#endif
