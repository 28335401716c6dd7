/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_BASE_JSON_VALUE_H
#define SBX_BASE_JSON_VALUE_H

#include "base/json.h"

/* What a value is made of. Known to base/json*.c alone. */
struct json_value {
	struct arena *arena;
	struct json_value *parent; /* NULL at the top */
	char *key;                 /* of a member of an object */
	enum json_kind kind;
	uint32_t line, column; /* 0: it was not read */
	bool boolean;
	bool negative;   /* JSON_KIND_INTEGER: number is the two's complement of it */
	uint64_t number; /* JSON_KIND_INTEGER */
	double real;
	char *text;
	struct json_value **members;
	size_t count;
};

/* A value that stands nowhere yet. */
struct json_value *json_make(struct arena *arena, enum json_kind kind);

/* A new last member. The caller knows that an object has no member of that key. */
struct json_value *json_append(struct json_value *parent, const char *key,
			       enum json_kind kind);

#endif
