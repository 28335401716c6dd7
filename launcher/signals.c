/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/signals.h"

#include "base/error.h"

#include <stddef.h>

void signals_forwarded(sigset_t *ret_set)
{
	static const int own[] = { SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
				   SIGTRAP, SIGABRT, SIGSYS };

	sigfillset(ret_set);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		sigdelset(ret_set, own[i]);
}

int signals_prepare(sigset_t *ret_ignored, struct error *err)
{
	const struct sigaction reset = { .sa_handler = SIG_DFL };
	sigset_t set;

	sigemptyset(ret_ignored);
	for (int number = 1; number < NSIG; number++) {
		struct sigaction before;

		if (sigaction(number, &reset, &before) == 0 &&
		    before.sa_handler == SIG_IGN)
			sigaddset(ret_ignored, number);
	}
	signals_forwarded(&set);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return error_errno(err, "block signals");
	return 0;
}
