/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_BASE_TEXT_H
#define SBX_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Strict readers: the whole text must be the value, without blanks or signs that the
 * form does not have. Each returns 0, or -1 and leaves *ret_value as it was.
 */
int text_to_u64(const char *text, int base, uint64_t *ret_value);
int text_to_u32(const char *text, uint32_t *ret_value);
int text_to_int(const char *text, int min, int max, int *ret_value);

/* "0755", "755": octal up to max. */
int text_to_octal(const char *text, uint32_t max, uint32_t *ret_value);

/* Bytes: "512", "64k", "10M", "2G", "1T" (powers of 1024; also "MiB", "MB", any case). */
int text_to_size(const char *text, uint64_t *ret_bytes);

/* Milliseconds: "10" (seconds), "250ms", "10s", "5m", "2h", "1d", "1m30s". */
int text_to_duration_ms(const char *text, uint64_t *ret_ms);

/*
 * The length in bytes of the UTF-8 character at the start of size bytes of text and its
 * code; 0, and *ret_code as it was, where they begin with none (surrogates, longer forms
 * than needed and codes above 10FFFF are none).
 */
size_t text_utf8_length(const char *text, size_t size, uint32_t *ret_code);

bool text_starts_with(const char *text, const char *prefix);

/* Copies like strlcpy(3). Returns 0, or -1 if it had to cut. */
int text_copy(char *to, size_t size, const char *from);

/* \OOO, three octal digits, becomes the byte, in place; anything else stays. */
void text_unescape(char *text);

/*
 * Writes text so that a terminal shows it and obeys nothing in it: control bytes, invalid
 * UTF-8 and the characters that change direction become \xNN; a backslash is doubled. The
 * result always ends with NUL and is cut between characters. Returns to.
 */
char *text_printable(char *to, size_t size, const char *from);

/*
 * The same for text of ours with parts in it that were made printable already: what a
 * terminal would obey is shown, but backslashes stay as they are.
 */
char *text_harmless(char *to, size_t size, const char *from);

/*
 * The word of a NULL-ended list that is nearest to a mistyped one (edit distance, at most
 * a third of its length), or NULL.
 */
const char *text_nearest(const char *word, const char *const *words);

/* Matches a name against a pattern with `*` and `?`, as in --keep-env=PATTERN. */
bool text_matches(const char *text, const char *pattern);

struct arena;

/* The time of day, UTC, RFC 3339 with so many decimals of a second: 0, 3 or 9. */
const char *text_now(struct arena *arena, int decimals);

#endif
