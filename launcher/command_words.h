/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_COMMAND_WORDS_H
#define SBX_LAUNCHER_COMMAND_WORDS_H

/* What the smaller commands of sbx read and say alike. */

#include <stdbool.h>

struct arena;
struct error;

/* Each prints its line and returns the exit status. */
int complain(const struct error *err);
int refuse_words(const char *usage, const char *what, const char *word);
int say(const char *text);
int say_usage(const char *usage, const char *purpose);

bool asks_for_help(const char *word);
bool is_option(const char *word);

/* So that a terminal shows it and obeys nothing in it. */
const char *printable(struct arena *arena, const char *text);

#endif
