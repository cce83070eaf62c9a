// Finding keys, strings of bytes, in a table with open addressing: plain C, since what counts are cache misses and a few
// multiplications.

#include <string.h>

#include "CTensorKernels.h"

static uint64_t word(const uint8_t *p) {
    uint64_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

static uint64_t half_word(const uint8_t *p) {
    uint32_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

static uint64_t mixed(uint64_t state, uint64_t x) {
    const unsigned __int128 product = (unsigned __int128)(state ^ x) * 0xA0761D6478BD642F;
    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

// Eight bytes at a time through a multiplication whose halves are folded; the last ones overlap those before.
uint32_t mml_key_hash(const uint8_t *key, ptrdiff_t n) {
    uint64_t state = (uint64_t)n * 0x9E3779B97F4A7C15;
    for (ptrdiff_t i = 0; i + 8 < n; i += 8) state = mixed(state, word(key + i));
    uint64_t last = 0;
    if (n >= 8) last = word(key + n - 8);
    else if (n >= 4) last = half_word(key) << 32 | half_word(key + n - 4);
    else if (n > 0) last = (uint64_t)key[0] << 16 | (uint64_t)key[n / 2] << 8 | key[n - 1];
    return (uint32_t)(mixed(mixed(state, last), 0xE7037ED1A0B428DB) >> 32);
}

ptrdiff_t mml_key_place(const mml_key_table *table, const uint8_t *key, ptrdiff_t n, uint32_t hash) {
    for (ptrdiff_t place = hash & table->mask;; place = (place + 1) & table->mask) {
        const mml_key_slot slot = table->slots[place];
        if (slot.number < 0) return place;
        if (slot.hash != hash) continue;
        const ptrdiff_t start = slot.number == 0 ? 0 : table->ends[slot.number - 1];
        if (table->ends[slot.number] - start == n && (n == 0 || memcmp(table->bytes + start, key, (size_t)n) == 0))
            return place;
    }
}

ptrdiff_t mml_find_fields(
    const mml_key_table *table, ptrdiff_t n, const uint8_t *bytes, const mml_field *fields, ptrdiff_t field_step,
    int32_t *numbers) {
    uint8_t single[256];  // a field whose quotes are doubled, with single ones
    for (ptrdiff_t i = 0; i < n; i++) {
        const mml_field field = fields[i * field_step];
        const uint8_t *key = bytes + field.start;
        ptrdiff_t length = field.length & ~MML_DOUBLED_QUOTES;
        if (field.length & MML_DOUBLED_QUOTES) {
            if (length > (ptrdiff_t)sizeof single) return i;
            ptrdiff_t kept = 0;
            for (ptrdiff_t j = 0; j < length; j += key[j] == '"' ? 2 : 1) single[kept++] = key[j];
            key = single;
            length = kept;
        }
        const int32_t number = table->slots[mml_key_place(table, key, length, mml_key_hash(key, length))].number;
        if (number < 0) return i;
        numbers[i] = number;
    }
    return n;
}
