// Plain references of scanning delimited text and parsing numbers: one byte after another, and the C library's strtod.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "CTensorKernels.h"

// One row from `at` on. Returns where the next begins, 0 if the row is not complete or (with a status) not in order.
static ptrdiff_t row(const uint8_t *bytes, ptrdiff_t n, ptrdiff_t at, mml_scan *scan, mml_field *fields, ptrdiff_t *feeds) {
    scan->last_fields = 0;
    for (;;) {
        mml_field *field = &fields[scan->last_fields];
        *field = (mml_field){(uint32_t)at, 0};
        if (scan->allows_quotes && at < n && bytes[at] == '"') {
            field->start++;
            for (at++;; at++) {
                if (at == n) {
                    if (scan->is_last) {
                        scan->status = MML_SCAN_UNCLOSED;
                        scan->error_offset = (ptrdiff_t)field->start - 1;
                    }
                    return 0;
                }
                if (bytes[at] == '\n') ++*feeds;
                if (bytes[at] != '"') continue;
                if (at + 1 == n && !scan->is_last) return 0;
                if (at + 1 == n || bytes[at + 1] != '"') break;
                field->length = MML_DOUBLED_QUOTES;
                at++;
            }
            field->length |= (uint32_t)(at - (ptrdiff_t)field->start);
            at++;
            if (at < n && bytes[at] != scan->separator && bytes[at] != '\n' && bytes[at] != '\r') {
                scan->status = MML_SCAN_TEXT_AFTER_QUOTE;
                scan->error_offset = at;
                return 0;
            }
        } else {
            for (; at < n && bytes[at] != scan->separator && bytes[at] != '\n'; at++) {
                if (bytes[at] != '\r') continue;
                if (at + 1 == n ? scan->is_last : scan->allows_quotes || bytes[at + 1] == '\n') break;
            }
            field->length = (uint32_t)(at - (ptrdiff_t)field->start);
        }
        scan->last_fields++;
        if (at == n) return scan->is_last ? n : 0;
        if (bytes[at] == scan->separator) {
            at++;
            continue;
        }
        if (bytes[at] == '\r' && at + 1 == n && !scan->is_last) return 0;
        return at + (bytes[at] == '\r' && at + 1 < n && bytes[at + 1] == '\n' ? 2 : 1);
    }
}

void mml_reference_scan_fields(const uint8_t *bytes, ptrdiff_t n, mml_scan *scan) {
    scan->rows = scan->used = scan->lines = scan->field_count = scan->last_fields = 0;
    scan->status = MML_SCAN_DONE;
    mml_field *fields = scan->fields;
    while (scan->used < n && scan->rows != scan->max_rows) {
        ptrdiff_t feeds = 0, next = row(bytes, n, scan->used, scan, fields, &feeds);
        if (next == 0) return;
        const uint8_t first = bytes[scan->used], last = bytes[next - 1];
        const int is_ended = last == '\n' || last == '\r';
        if (scan->last_fields == 1 && fields->length == 0 && first != '"' && first != scan->separator && is_ended) {
            scan->last_fields = 0;
            scan->lines++;  // an empty line
        } else {
            if (scan->columns > 0 && scan->last_fields != scan->columns) {
                scan->status = MML_SCAN_RAGGED;
                scan->error_offset = scan->used;
                return;
            }
            fields += scan->last_fields;
            scan->field_count += scan->last_fields;
            scan->last_fields = 0;
            scan->rows++;
            scan->lines += feeds + is_ended;
        }
        scan->used = next;
    }
}

ptrdiff_t mml_reference_parse_numbers(
    mml_type type, ptrdiff_t n, const uint8_t *bytes, const mml_field *fields, ptrdiff_t field_step, int decimal, void *y,
    ptrdiff_t y_step) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const mml_field field = fields[i * field_step];
        char text[64];
        if (field.length >= sizeof text) return i;
        memcpy(text, bytes + field.start, field.length);
        text[field.length] = 0;
        // Only what looks like a decimal number; strtod knows more.
        if (strspn(text, "0123456789+-eE.,") != field.length) return i;
        for (char *p = text; *p != 0; p++)
            if (*p == '.' || *p == ',') *p = *p == decimal ? '.' : 'x';
        char *end = text;
        double value = field.length == 0 ? NAN : type == MML_F32 ? (double)strtof(text, &end) : strtod(text, &end);
        if (end != text + field.length) return i;
        if (type == MML_F32) ((float *)y)[i * y_step] = (float)value;
        else ((double *)y)[i * y_step] = value;
    }
    return n;
}
