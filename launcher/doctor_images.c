/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the doctor's table: what images need, and what sbx-image says of itself. */
#include "launcher/doctor_judges.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* ---- facts -------------------------------------------------------------------------------- */

static void read_word(const char *key, const char *value, struct image_facts *images)
{
	if (strcmp(key, "version") == 0)
		text_printable(images->version, sizeof(images->version), value);
	else if (strcmp(key, "archives") == 0)
		text_printable(images->archives, sizeof(images->archives), value);
	else if (strcmp(key, "signatures") == 0)
		text_printable(images->signatures, sizeof(images->signatures), value);
}

void host_parse_image_probe(char *text, struct image_facts *images)
{
	char *rest = text;

	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
		char *value = strchr(line, ' ');

		if (!value)
			continue;
		*value = '\0';
		read_word(line, value + 1, images);
	}
}

void host_probe_images(struct image_facts *images)
{
	char text[1024];

	images->there = host_ask("sbx-image", images->path, sizeof(images->path), text,
				 sizeof(text));
	host_parse_image_probe(text, images);
}

/* ---- rows --------------------------------------------------------------------------------- */

/* As archive_version_details() of libarchive names what it was built with. */
static const struct filter {
	const char *library, *suffix;
} filters[] = {
	{ "zlib/", "gz" },    { "liblzma/", "xz" }, { "libzstd/", "zst" },
	{ "bz2lib/", "bz2" }, { "liblz4/", "lz4" },
};

static void judge_filters(const struct image_facts *images, struct finding *finding)
{
	char missing[64] = "";
	size_t used = 0;

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		if (!strstr(images->archives, filters[i].library))
			used += (size_t)snprintf(missing + used, sizeof(missing) - used,
						 " .%s", filters[i].suffix);
	if (!used)
		return;
	finding_short(finding, ROW_LIMITED, "");
	snprintf(finding->costs, sizeof(finding->costs),
		 "no images that are compressed as%s", missing);
}

void judge_sbx_image(const struct host_facts *facts, struct finding *finding)
{
	static const char costs[] = "roots are directories only";
	const struct image_facts *images = &facts->images;

	if (!images->there) {
		finding_found(finding, "%.200s is not there", images->path);
		finding_short(finding, ROW_MISSING, costs);
		return;
	}
	if (!images->version[0]) {
		finding_found(finding, "%.200s does not answer", images->path);
		finding_short(finding, ROW_MISSING, costs);
		return;
	}
	if (strcmp(images->version, SBX_VERSION) != 0) {
		finding_found(finding, "%.160s is of version %s, sbx of version %s",
			      images->path, images->version, SBX_VERSION);
		finding_short(finding, ROW_MISSING, costs);
		return;
	}
	finding_found(finding, "%.120s, %.100s", images->path, images->archives);
	judge_filters(images, finding);
}

void judge_squashfuse(const struct host_facts *facts, struct finding *finding)
{
	const bool squashfs = facts->squashfuse[0] != '\0';
	const bool erofs = facts->erofsfuse[0] != '\0';

	if (squashfs || erofs) {
		finding_found(finding, "%s%s%s", facts->squashfuse,
			      squashfs && erofs ? ", " : "", facts->erofsfuse);
		if (!squashfs)
			finding_short(finding, ROW_LIMITED,
				      "no roots from squashfs images");
		return;
	}
	finding_found(finding, "neither squashfuse nor erofsfuse is installed");
	finding_short(finding, ROW_MISSING, "no roots from images of file systems");
	finding_install(facts, finding, "squashfuse", "squashfuse");
}
