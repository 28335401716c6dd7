/* SPDX-License-Identifier: Apache-2.0 */
/* The digest of a tree that a run has written, or that it is given. */
#include "image/tasks.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "image/digest.h"

#include <fcntl.h>
#include <string.h>

static int open_tree_of(const struct image_job *job, struct error *err)
{
	const int fd = job->into ? open(job->into, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
				 : openat(job->input_fd, ".",
					  O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "open %s", job->into ? job->into : "the tree");
	return fd;
}

int task_digest(const struct image_job *job, struct arena *arena, struct error *err)
{
	const uint64_t wanted = job->limits.entries;
	auto_close int dir = open_tree_of(job, err);
	struct json_value *document;

	if (dir < 0 || confine_to_nothing(err) < 0 ||
	    confine_process(CONFINE_READS_ALL, false, err) < 0)
		return -1;
	if (tree_digest(dir, wanted ? (size_t)wanted : DIGEST_LISTED_MAX, arena,
			&document, err) < 0)
		return -1;
	/* Long paths: more than the other side reads. */
	if (strlen(json_write(document, JSON_LAYOUT_LINE, arena)) > JSON_SIZE_MAX)
		json_remove(document, "files");
	return image_document_send(job->socket, document, arena, err);
}
