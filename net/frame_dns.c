/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "net/frame_path.h"

/* Questions by UDP that the forwarder has not answered yet. The oldest makes room. */

enum {
	QUESTIONS_MAX = 64,
};

struct question {
	struct frame_path *path;
	struct packet_ends ends; /* of the answer */
	uint64_t order;          /* they came in; 0: free */
};

struct questions {
	struct frame_path *path;
	uint64_t order;
	struct question questions[QUESTIONS_MAX];
};

struct questions *questions_new(struct frame_path *path)
{
	struct questions *questions = calloc(1, sizeof(*questions));

	if (questions)
		questions->path = path;
	return questions;
}

void questions_free(struct questions *questions)
{
	if (!questions)
		return;
	for (size_t i = 0; i < QUESTIONS_MAX; i++) {
		if (questions->questions[i].order)
			dns_forget(questions->path->spec.dns, &questions->questions[i]);
	}
	free(questions);
}

static struct question *make_room(struct questions *questions)
{
	struct question *oldest = &questions->questions[0];

	for (size_t i = 1; i < QUESTIONS_MAX; i++) {
		if (questions->questions[i].order < oldest->order)
			oldest = &questions->questions[i];
	}
	if (oldest->order)
		dns_forget(questions->path->spec.dns, oldest);
	return oldest;
}

static void reply(void *context, const uint8_t *answer, size_t size)
{
	struct question *question = context;
	struct frame_path *path = question->path;

	question->order = 0;
	if (size <= DNS_UDP_MAX)
		frame_answer(path, packet_build_udp(path->answer, &question->ends, answer,
						    size));
}

void questions_take(struct questions *questions, const struct packet *packet)
{
	struct frame_path *path = questions->path;
	const size_t size = packet_payload_size(packet);
	struct question *question;

	if (!path->spec.dns || size > DNS_UDP_MAX || !packet_is_intact(packet)) {
		frame_drop(path);
		return;
	}
	question = make_room(questions);
	*question = (struct question){
		.path = path,
		.ends = packet_answer_ends(packet),
		.order = ++questions->order,
	};
	dns_ask(path->spec.dns, packet->bytes + packet->payload, size, DNS_UDP_MAX, reply,
		question);
}
