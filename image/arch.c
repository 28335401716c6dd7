/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image.h"

#include <string.h>

/*
 * The first row of an architecture is the machine that it stands for, and of a machine the
 * one that tells it. Machines are uname(2)'s, architectures GOARCH, as the OCI image
 * specification asks for; what ACIs write (appc specification, schema/aci) is one or the
 * other, but for aarch64_be and armv7b, which nobody has.
 */
static const struct row {
	const char *machine, *arch, *variant;
} rows[] = {
	{ "x86_64", "amd64", NULL },    { "aarch64", "arm64", "v8" },
	{ "armv7l", "arm", "v7" },      { "armv8l", "arm", "v8" },
	{ "armv6l", "arm", "v6" },      { "armv5tel", "arm", "v5" },
	{ "armv5tejl", "arm", "v5" },   { "i686", "386", NULL },
	{ "i586", "386", NULL },        { "i486", "386", NULL },
	{ "i386", "386", NULL },        { "riscv64", "riscv64", NULL },
	{ "ppc64le", "ppc64le", NULL }, { "ppc64", "ppc64", NULL },
	{ "s390x", "s390x", NULL },     { "loongarch64", "loong64", NULL },
	{ "mips64", "mips64le", NULL }, { "mips64el", "mips64le", NULL },
};

static const struct row *find(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].machine, name) == 0)
			return &rows[i];
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].arch, name) == 0)
			return &rows[i];
	}
	return NULL;
}

const char *image_arch_of_machine(const char *machine)
{
	const struct row *row = find(machine);

	return row ? row->arch : NULL;
}

const char *image_variant_of_machine(const char *machine)
{
	const struct row *row = find(machine);

	return row ? row->variant : NULL;
}

const char *image_machine_of_arch(const char *arch)
{
	const struct row *row = find(arch);

	return row ? row->machine : NULL;
}
