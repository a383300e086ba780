/* User stacks, at the exit stop of a failure: see stack.h. When one is taken, where its frames lie. */
#include "tracer/stack/stack.h"

#include <stdio.h>
#include <string.h>
#include <uthash.h>

#include "src/base/clock.h"
#include "tracer/stack/frame_names.h"
#include "tracer/stack/stack_maps.h"
#include "tracer/stack/stack_objects.h"
#include "tracer/stack/stack_unwind.h"

#define STACKS_PER_SECOND 50
#define TIME_PER_SECOND_NS (100 * SW_NS_PER_MS) /* a cold start of a large program takes 35 ms */
#define STACKS_PER_SITE 8 /* all calls of one name go through one place in libc, whoever made them */
#define SITES_MAX 256
#define SPACES_MAX 32 /* some 100 kB each */
#define MAPS_AGE_NS SW_NS_PER_S

struct site {
	uint64_t address;
	int error;
	unsigned taken;
};

struct image { /* a process's address space, from exec to exec */
	pid_t pid; /* key */
	sw_space *space;
	struct sw_maps maps;
	SW_ARRAY(struct site) sites;
	int64_t used_ns;
	UT_hash_handle hh;
};

struct sw_stacks {
	struct image *images;
	struct sw_unwinder *unwinder;
	struct sw_objects objects;
	int64_t second_ns, spent_ns;
	unsigned taken;
};

struct sw_stacks *sw_stacks_new(void)
{
	struct sw_stacks *stacks = sw_alloc(sizeof *stacks);
	stacks->unwinder = sw_unwinder_new();
	return stacks;
}

static void drop_space(struct image *image)
{
	sw_space_free(image->space);
	image->space = NULL;
	sw_maps_release(&image->maps);
}

static void drop(struct sw_stacks *stacks, struct image *image)
{
	drop_space(image);
	SW_ARRAY_RELEASE(&image->sites);
	HASH_DEL(stacks->images, image);
	free(image);
}

void sw_stacks_free(struct sw_stacks *stacks)
{
	struct image *image, *next;
	if (!stacks)
		return;
	HASH_ITER (hh, stacks->images, image, next)
		drop(stacks, image);
	sw_objects_release(&stacks->objects);
	sw_unwinder_free(stacks->unwinder);
	free(stacks);
}

void sw_stacks_forget(struct sw_stacks *stacks, pid_t pid)
{
	struct image *image;
	HASH_FIND(hh, stacks->images, &pid, sizeof pid, image);
	if (image)
		drop(stacks, image);
}

static struct image *image_of(struct sw_stacks *stacks, pid_t pid)
{
	struct image *image, *next, *oldest = NULL;
	HASH_FIND(hh, stacks->images, &pid, sizeof pid, image);
	if (!image) {
		image = sw_alloc(sizeof *image);
		image->pid = pid;
		HASH_ADD(hh, stacks->images, pid, sizeof image->pid, image);
	}
	image->used_ns = sw_clock_monotonic();
	if (image->space)
		return image;
	struct image *each;
	unsigned spaces = 0;
	HASH_ITER (hh, stacks->images, each, next) {
		spaces += each->space != NULL;
		if (each->space && (!oldest || each->used_ns < oldest->used_ns))
			oldest = each;
	}
	if (spaces >= SPACES_MAX)
		drop_space(oldest);
	image->space = sw_space_new();
	return image;
}

/* ---- limits --------------------------------------------------------------------------------------------------- */

static bool within_budget(struct sw_stacks *stacks)
{
	int64_t now = sw_clock_monotonic();
	if (now - stacks->second_ns >= SW_NS_PER_S) {
		stacks->second_ns = now;
		stacks->spent_ns = 0;
		stacks->taken = 0;
	}
	return stacks->taken < STACKS_PER_SECOND && stacks->spent_ns < TIME_PER_SECOND_NS;
}

static bool wanted(struct image *image, uint64_t call_site, int error)
{
	for (size_t i = 0; i < image->sites.count; i++) {
		struct site *site = &image->sites.items[i];
		if (site->address == call_site && site->error == error)
			return site->taken++ < STACKS_PER_SITE;
	}
	if (image->sites.count >= SITES_MAX)
		return false;
	*SW_ARRAY_ADD(&image->sites) = (struct site){call_site, error, 1};
	return true;
}

/* ---- frames --------------------------------------------------------------------------------------------------- */

static void refresh_maps(struct image *image, pid_t tid)
{
	bool changed = false;
	if (sw_maps_read(&image->maps, image->pid, tid, &changed) && changed)
		sw_space_flush(image->space);
}

/* Where an address lies. `exact`: it is no return address. */
static void place(struct sw_stacks *stacks, struct image *image, pid_t tid, struct sw_frame *frame, bool exact)
{
	const struct sw_mapping *mapping = sw_maps_find(&image->maps, frame->address);
	if (!mapping && sw_clock_monotonic() - image->maps.read_ns > MAPS_AGE_NS / 100) {
		refresh_maps(image, tid); /* loaded since */
		mapping = sw_maps_find(&image->maps, frame->address);
	}
	if (!mapping)
		return;
	const char *path = sw_maps_path(&image->maps, mapping), *base = strrchr(path, '/');
	int jit = mapping->inode || path[0] == '[' ? -1 : sw_objects_jit(&stacks->objects, image->pid);
	if (jit >= 0) {
		frame->offset = frame->address;
		memcpy(frame->object, stacks->objects.objects.items[jit].name, sizeof frame->object);
		sw_objects_ask(&stacks->objects, (uint32_t)jit, frame->offset, exact);
		return;
	}
	frame->offset = frame->address - mapping->begin + mapping->offset;
	snprintf(frame->object, sizeof frame->object, "%s", base ? base + 1 : path);
	int object = sw_objects_get(&stacks->objects, image->pid, mapping, path);
	if (object >= 0)
		sw_objects_ask(&stacks->objects, (uint32_t)object, frame->offset, exact);
}

uint32_t sw_stacks_take(struct sw_stacks *stacks, pid_t pid, pid_t tid, uint64_t call_site, int error,
			struct sw_frame frames[SW_STACK_DEPTH])
{
	if (!within_budget(stacks))
		return 0;
	struct image *image = image_of(stacks, pid);
	if (!wanted(image, call_site, error))
		return 0;
	int64_t begin = sw_clock_monotonic();
	memset(frames, 0, SW_STACK_DEPTH * sizeof *frames);
	if (begin - image->maps.read_ns > MAPS_AGE_NS)
		refresh_maps(image, tid);
	bool exact[SW_STACK_DEPTH] = {true};
	uint32_t count = sw_unwind(stacks->unwinder, image->space, tid, &image->maps, frames, exact);
	if (count == 0 && call_site) {
		frames[0].address = call_site;
		count = 1;
	}
	for (uint32_t i = 0; i < count; i++)
		place(stacks, image, tid, &frames[i], exact[i]);
	stacks->taken++;
	stacks->spent_ns += sw_clock_monotonic() - begin;
	return count;
}

void sw_stacks_name(struct sw_stacks *stacks, void (*say)(void *context, const struct sw_frame_name *name),
		    void *context)
{
	sw_frame_names(&stacks->objects, say, context);
}
