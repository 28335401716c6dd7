/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_BASE_ACCOUNTS_ASK_H
#define SBX_BASE_ACCOUNTS_ASK_H

/*
 * The programs that know the accounts which are in no file (a static file cannot load the
 * modules of nsswitch.conf(5)). For the rooms of base/accounts.h and tests.
 */

#include <stdbool.h>

struct error;

#define GETENT_PATH    "/usr/bin/getent"
#define GETSUBIDS_PATH "/usr/bin/getsubids"

enum {
	ANSWER_SIZE = 16384,
	ANSWER_TIME_MS = 2000,
};

/*
 * Whether they would take it for a name, and not for a number, an option or more than a
 * name.
 */
bool accounts_is_askable(const char *name);

/*
 * Runs words[0] with these words (they end with NULL), an empty environment, and nothing
 * on stdin, and stores what it printed, ended by NUL and cut at ANSWER_SIZE - 1 bytes. A
 * program that is not there, and one that does not find what it was asked for, have an
 * empty answer. -1: it could not be run, or took longer than ANSWER_TIME_MS and was
 * killed.
 */
int accounts_ask(const char *const *words, char ret_answer[static ANSWER_SIZE],
		 struct error *err);

#endif
