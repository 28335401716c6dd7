/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listener of a container's filter goes to whom the configuration names, with the
 * container process state (runtime-spec, config-linux.md, "The Container Process State").
 */
#include "launcher/container_life.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "plan/plan.h"

#include <string.h>

static const char *write_state(const struct plan *plan,
			       const struct container_record *record,
			       enum container_status status, pid_t pid,
			       struct arena *arena, struct error *err)
{
	const char *state = container_state_text(record, status, arena);
	const struct json_value *read =
		json_read(state, strlen(state), "the state", arena, err);
	struct json_value *top = json_make_object(arena);

	if (!read)
		return NULL;
	json_put_text(top, "ociVersion", record->version);
	json_put_text(json_put_array(top, "fds"), NULL, "seccompFd");
	json_put_integer(top, "pid", pid);
	json_put_text(top, "metadata",
		      plan->container.listener_metadata
			      ? plan->container.listener_metadata
			      : "");
	json_put_copy(top, "state", read);
	return json_write(top, JSON_LAYOUT_LINE, arena);
}

int container_send_listener(const struct plan *plan,
			    const struct container_record *record,
			    enum container_status status, pid_t pid, int listener,
			    struct error *err)
{
	const char *path = plan->container.listener_path;
	struct arena arena = { 0 };
	const char *text;
	int failed = -1;

	if (listener < 0 || !path)
		return error_set(err, ERROR_SECCOMP,
				 "hand the seccomp listener over: there is none");
	text = write_state(plan, record, status, pid, &arena, err);
	if (text)
		failed = container_send_fd(path, text, listener, err);
	if (failed)
		error_within(err, "hand the seccomp listener over");
	arena_free(&arena);
	return failed;
}
