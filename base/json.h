/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_BASE_JSON_H
#define SBX_BASE_JSON_H

/*
 * JSON documents, read and written. Every value lives in an arena and is given back with
 * it, so nobody frees one. Integers are exact from INT64_MIN to UINT64_MAX (a limit of
 * "unlimited" is 18446744073709551615 in an OCI config.json).
 *
 * Bytes that are not UTF-8. JSON cannot hold them, file names can. In texts and keys that
 * are made here, each byte that belongs to no UTF-8 character becomes the private
 * character U+F700 + byte (U+F780 to U+F7FF); where a text holds one of these characters
 * already, its three bytes are treated so too. Hence nothing is lost, and
 * json_restore_bytes() gives the same bytes back. It must only be called for documents
 * that say so: a writer that finds json_has_escapes() marks its document, and a document
 * without the mark is taken as it is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct error;
struct json_value;

enum json_kind {
	JSON_KIND_NULL,
	JSON_KIND_BOOL,
	JSON_KIND_INTEGER,
	JSON_KIND_REAL,
	JSON_KIND_TEXT,
	JSON_KIND_ARRAY,
	JSON_KIND_OBJECT,
};

/* ---- making ------------------------------------------------------------------------- */

/* The top of a document; what is put into it lives in the same arena. */
struct json_value *json_make_object(struct arena *arena);
struct json_value *json_make_array(struct arena *arena);

/*
 * Put a new value into parent: with a key into an object, where it takes the place of an
 * older one of that key, or with key NULL at the end of an array. Texts are copied.
 */
struct json_value *json_put_object(struct json_value *parent, const char *key);
struct json_value *json_put_array(struct json_value *parent, const char *key);
void json_put_text(struct json_value *parent, const char *key, const char *text);
void json_put_integer(struct json_value *parent, const char *key, int64_t value);
void json_put_unsigned(struct json_value *parent, const char *key, uint64_t value);
void json_put_bool(struct json_value *parent, const char *key, bool value);
void json_put_null(struct json_value *parent, const char *key);

/* A copy of value, and of all below it, as above. */
void json_put_copy(struct json_value *parent, const char *key,
		   const struct json_value *value);

/* Takes the member out again; one that is not there is no error. */
void json_remove(struct json_value *object, const char *key);

enum json_layout {
	JSON_LAYOUT_LINE,  /* one line without blanks, for logs and status lines */
	JSON_LAYOUT_LINES, /* indented by two, a newline at the end */
};

/* The document as text, members in the order in which they were put. */
char *json_write(const struct json_value *value, enum json_layout layout,
		 struct arena *arena);

bool json_has_escapes(const struct json_value *value);

/* ---- reading ------------------------------------------------------------------------ */

enum {
	JSON_SIZE_MAX = 16 << 20, /* bytes of a document */
	JSON_DEPTH_MAX = 64,      /* values inside values */
};

/*
 * Reads one document (RFC 8259): object or array, nothing behind it, no key twice in one
 * object, valid UTF-8, no NUL in a text. name is what messages call it. NULL: err says
 * line and column, id ERROR_CONFIG, as all errors below.
 */
struct json_value *json_read(const char *text, size_t length, const char *name,
			     struct arena *arena, struct error *err);

/* Undoes the escapes of every text and key in place. See above. */
void json_restore_bytes(struct json_value *value);

enum json_kind json_kind_of(const struct json_value *value);

/* Whether both say the same; members of objects may stand in another order. */
bool json_is_same(const struct json_value *a, const struct json_value *b);

/* Members of an object or an array, in their order. 0 for what is neither. */
size_t json_count(const struct json_value *value);
const struct json_value *json_at(const struct json_value *value, size_t index);
const char *json_key_at(const struct json_value *object, size_t index);

/* The member, or NULL. NULL is looked up in NULL, so chains need no test between. */
const struct json_value *json_get(const struct json_value *object, const char *key);

/* "process.args[2]": where in its document value stands; "the document" for its top. */
const char *json_path(const struct json_value *value, struct arena *arena);

/* Where value stood in the text that was read, from 1; 0 for one that was made. */
unsigned int json_line(const struct json_value *value);
unsigned int json_column(const struct json_value *value);

/*
 * What value must be. 0, or -1 and an error such as "process.cwd: not a string"; the
 * result is then as it was.
 */
int json_want_kind(const struct json_value *value, enum json_kind kind,
		   struct error *err);
int json_want_text(const struct json_value *value, const char **ret_text,
		   struct error *err);
int json_want_unsigned(const struct json_value *value, uint64_t max, uint64_t *ret_value,
		       struct error *err);
int json_want_integer(const struct json_value *value, int64_t min, int64_t max,
		      int64_t *ret_value, struct error *err);
int json_want_u32(const struct json_value *value, uint32_t *ret_value, struct error *err);
int json_want_bool(const struct json_value *value, bool *ret_value, struct error *err);

/* An array of texts as a list that ends with NULL. */
int json_want_texts(const struct json_value *value, const char *const **ret_texts,
		    size_t *ret_count, struct error *err);

/*
 * The same for a member that may be missing. 0 it is there; 1 it is missing or null, and
 * the result is as it was; -1 it is something else.
 */
int json_get_object(const struct json_value *object, const char *key,
		    const struct json_value **ret_value, struct error *err);
int json_get_array(const struct json_value *object, const char *key,
		   const struct json_value **ret_value, struct error *err);
int json_get_text(const struct json_value *object, const char *key, const char **ret_text,
		  struct error *err);
int json_get_unsigned(const struct json_value *object, const char *key, uint64_t max,
		      uint64_t *ret_value, struct error *err);
int json_get_integer(const struct json_value *object, const char *key, int64_t min,
		     int64_t max, int64_t *ret_value, struct error *err);
int json_get_u32(const struct json_value *object, const char *key, uint32_t *ret_value,
		 struct error *err);
int json_get_bool(const struct json_value *object, const char *key, bool *ret_value,
		  struct error *err);
int json_get_texts(const struct json_value *object, const char *key,
		   const char *const **ret_texts, size_t *ret_count, struct error *err);

/* The first key of object that is not in the NULL-ended list, or NULL. */
const char *json_unknown_key(const struct json_value *object, const char *const *known);

/* Fills err with the path of value in front of the message. Returns -1. */
int json_complain(const struct json_value *value, struct error *err, const char *format,
		  ...) __attribute__((format(printf, 3, 4)));

#endif
