/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program `sbx-net`: the network of one sandbox. sbx starts it with what net/service.c
 * gives it; nobody else has a use for it.
 */
#include "net/net.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "--help") == 0) {
		printf("sbx-net serves the network of a sandbox; sbx run starts it.\n");
		return argc < 2 ? 125 : 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("sbx-net %s\n", SBX_VERSION);
		return 0;
	}
	if (strcmp(argv[1], "--probe") == 0)
		return net_probe();
	return net_serve((const char *const *)argv);
}
