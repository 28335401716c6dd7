/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program `sbx-image`: reads one image for sbx, which starts it with what image/service.c
 * gives it; nobody else has a use for it.
 */
#include "image/image.h"

#include <stdio.h>
#include <string.h>

#ifdef SBX_SANITIZED
/*
 * In a test build, since its environment is empty: leaks would be looked for by a process
 * that it may not start, and a status is no sign of a failure while a signal is one.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:abort_on_error=1";
}

const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
	return "halt_on_error=1:print_stacktrace=1";
}
#endif

int main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "--help") == 0) {
		printf("sbx-image reads images for a sandbox; sbx run and sbx image start it.\n");
		return argc < 2 ? 125 : 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("sbx-image %s\n", SBX_VERSION);
		return 0;
	}
	if (strcmp(argv[1], "--probe") == 0)
		return image_probe();
	return image_serve((const char *const *)argv);
}
