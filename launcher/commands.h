/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_COMMANDS_H
#define SBX_LAUNCHER_COMMANDS_H

struct caller_text;
struct plan;

/*
 * The commands of sbx. words are those behind the command's name, NULL-ended. Each prints
 * what it has to say and returns the exit status.
 */
int command_run(const char *const *words, const struct caller_text *caller);
int command_unshare(const char *const *words, const struct caller_text *caller);
/* What a run says of its plan before it begins. */
void run_tell_notes(struct plan *plan);

int command_try(const char *const *words, const struct caller_text *caller);
int command_config(const char *const *words);
int command_doctor(const char *const *words);
int command_list(const char *const *words);
int command_kill(const char *const *words);
int command_stop(const char *const *words);
int command_wait(const char *const *words);
int command_logs(const char *const *words);
int command_stats(const char *const *words);
int command_exec(const char *const *words, const struct caller_text *caller);
int command_port(const char *const *words);
int command_trust(const char *const *words);
int command_image(const char *const *words);
int command_policy(const char *const *words, const struct caller_text *caller);
int command_learn(const char *const *words, const struct caller_text *caller);
int command_completion(const char *const *words);

#endif
