/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A linux.seccomp from anybody. What is read has rules as everybody expects them, a program
 * is made of them, and what JSON says of them can be read again.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "policy/bpf.h"
#include "policy/readers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	abort();
}

static void check_calls(const struct rules *rules, enum abi abi)
{
	const struct call_rules *calls = rules->abis[abi].calls;

	for (size_t i = 0; i < rules->abis[abi].count; i++) {
		if (i && calls[i].number <= calls[i - 1].number)
			fail("numbers do not rise", calls[i].name);
		if (!calls[i].name || !calls[i].clause_count ||
		    calls[i].clauses[calls[i].clause_count - 1].when)
			fail("a call without an answer", abi_name(abi));
	}
	if (rules->abis[abi].count && !(rules->served & 1U << abi))
		fail("rules of an ABI that is not served", abi_name(abi));
}

static void check_again(const struct rules *rules, struct arena *arena)
{
	struct profile profile;
	struct error err = { 0 };
	const char *text = oci_seccomp_write(rules, arena, &err);

	if (text &&
	    oci_seccomp_read(text, strlen(text), "again", arena, &profile, &err) < 0)
		fail("refused what was written", err.text);
}

static void check(const struct profile *profile, uint64_t caps, struct arena *arena)
{
	static const struct bpf_wishes plain;
	const struct profile_conditions conditions = { .caps = caps, .kernel = 6U << 16 };
	struct notes notes = { .arena = arena };
	struct seccomp_program program;
	struct rules rules;
	struct error err = { 0 };

	if (profile->resolve(profile, &conditions, arena, &rules, &notes, &err) < 0)
		fail("not resolved", err.text);
	for (int abi = 0; abi < ABI_COUNT; abi++)
		check_calls(&rules, (enum abi)abi);
	if (bpf_generate(&rules, &plain, arena, &program, &err) == 0 &&
	    bpf_verify(&rules, &plain, &program, &err) < 0)
		fail("another program", err.text);
	check_again(&rules, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct profile profile;
	struct error err = { 0 };

	if (oci_seccomp_read((const char *)data, size, "input", &arena, &profile, &err) ==
	    0) {
		check(&profile, 0, &arena);
		check(&profile, UINT64_MAX, &arena);
	} else if (!err.text[0] || err.id != ERROR_POLICY) {
		fail("refused without a reason", err.text);
	}
	arena_free(&arena);
	return 0;
}
