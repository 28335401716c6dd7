/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New file systems of a container by fsopen(2), with the data that mount(8) would give. A
 * value longer than fsconfig(2) takes, as many layers of an overlay have, goes by mount(2).
 */
#include "userns/container.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	DATA_MAX = 4096, /* mount(2): a page */
	VALUE_MAX = 255, /* fsconfig(2): 256 bytes with the NUL */
};

/* "key=value,word" cut into its parts; a backslash keeps the comma behind it. */
static char *next_part(char **rest)
{
	char *part = *rest;
	char *at = part;

	if (*part == '\0')
		return NULL;
	while (*at && *at != ',')
		at += *at == '\\' && at[1] ? 2 : 1;
	*rest = *at ? at + 1 : at;
	*at = '\0';
	return part;
}

static bool has_long_value(const char *data)
{
	while (*data) {
		const size_t length = strcspn(data, ",");
		const char *value = memchr(data, '=', length);

		if (value && length - (size_t)(value + 1 - data) > VALUE_MAX)
			return true;
		data += length + (data[length] == ',');
	}
	return false;
}

bool container_data_has(const char *data, const char *key)
{
	const size_t size = strlen(key);

	while (*data) {
		const size_t length = strcspn(data, ",");

		if (length > size && strncmp(data, key, size) == 0 && data[size] == '=')
			return true;
		data += length + (data[length] == ',');
	}
	return false;
}

/* proc and sysfs have one label for each file (selinux(8)). */
static bool takes_label(const char *type)
{
	return strcmp(type, "proc") != 0 && strcmp(type, "sysfs") != 0 &&
	       strcmp(type, "mqueue") != 0 && !text_starts_with(type, "cgroup");
}

static int append(char *data, size_t size, const char *key, const char *value)
{
	const size_t used = strlen(data);
	const int written = snprintf(data + used, size - used, "%s%s=%s", used ? "," : "",
				     key, value);

	return written < 0 || (size_t)written >= size - used ? -1 : 0;
}

/* The entry's data and what its other members say, as mount(2) takes them. */
static int put_data(const struct mount_entry *entry, mode_t mode, char *data, size_t size)
{
	char number[32];

	if (entry->data && text_copy(data, size, entry->data) < 0)
		return -1;
	if (entry->size > 0) {
		snprintf(number, sizeof(number), "%llu", (unsigned long long)entry->size);
		if (append(data, size, "size", number) < 0)
			return -1;
	}
	mode = mount_mode(entry, mode);
	if (mode == 0 || container_data_has(data, "mode"))
		return 0;
	snprintf(number, sizeof(number), "%o", mode);
	return append(data, size, "mode", number);
}

static int set_option(int fs, const char *key, const char *value)
{
	return sys_fsconfig(fs, value ? SYS_FSCONFIG_SET_STRING : SYS_FSCONFIG_SET_FLAG,
			    key, value, 0);
}

static int set_all(int fs, const char *type, char *data, struct error *err)
{
	char *rest = data;

	for (char *part = next_part(&rest); part; part = next_part(&rest)) {
		char *value = strchr(part, '=');

		if (value)
			*value++ = '\0';
		if (*part && set_option(fs, part, value) < 0)
			return error_errno(err, "set %s of a %s", part, type);
	}
	return 0;
}

static int refuse_type(const char *type, struct error *err)
{
	if (errno != ENODEV)
		return error_errno(err, "open a %s", type);
	return error_set(err, ERROR_KERNEL,
			 "open a %s: this kernel knows no such file system", type);
}

/* What a mount table says; the type, where there is nothing else to say. */
static const char *source_of(const struct mount_entry *entry, const char *type)
{
	const bool usable =
		entry->source && *entry->source && strlen(entry->source) <= VALUE_MAX;

	return usable ? entry->source : type;
}

/* Detached. */
static int open_new(const struct container *container, const struct mount_entry *entry,
		    const char *type, char *data, struct error *err)
{
	const char *label = container->tree.spec->label;
	auto_close int fs = sys_fsopen(type, FSOPEN_CLOEXEC);
	int mount;

	if (fs < 0)
		return refuse_type(type, err);
	if (set_option(fs, "source", source_of(entry, type)) < 0)
		return error_errno(err, "set the source of a %s", type);
	if (label && takes_label(type) && set_option(fs, "context", label) < 0)
		return error_errno(err, "set the label of a %s", type);
	if (set_all(fs, type, data, err) < 0)
		return -1;
	if (sys_fsconfig(fs, SYS_FSCONFIG_CREATE, NULL, NULL, 0) < 0)
		return error_errno(err, "make a %s", type);
	/* Devices do not work before all flags are set. */
	mount = sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);
	return mount < 0 ? error_errno(err, "mount a %s", type) : mount;
}

/* What is mounted on the place now. */
static int top_of(const struct container *container, const char *dest, struct error *err)
{
	const int mount = container_find(container, dest);

	return mount < 0 ? error_errno(err, "find the mount on %s", dest) : mount;
}

static int mount_long(const struct container *container, const struct mount_entry *entry,
		      const char *type, const char *data, int place, struct error *err)
{
	char path[32];

	snprintf(path, sizeof(path), "self/fd/%d", place);
	if (fchdir(container->tree.proc) < 0 ||
	    mount(entry->source, path, type, 0, data) < 0)
		return error_errno(err, "mount a %s", type);
	return top_of(container, entry->dest, err);
}

int container_new(const struct container *container, const struct mount_entry *entry,
		  const char *type, mode_t mode, int place, struct error *err)
{
	auto_close int mount = -1;
	char data[DATA_MAX] = "";

	if (put_data(entry, mode, data, sizeof(data)) < 0) {
		errno = E2BIG;
		return error_errno(err, "mount a %s", type);
	}
	if (has_long_value(data))
		return mount_long(container, entry, type, data, place, err);
	mount = open_new(container, entry, type, data, err);
	if (mount < 0 || mount_attach(mount, place, entry->dest, err) < 0)
		return -1;
	return fd_take(&mount);
}
