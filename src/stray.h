/* Files that an interrupt must not leave behind: half outputs under temporary names, and what they are made of.
 *
 * Enters: their paths, while they exist under these names. Leaves: nothing of them, when a signal ends the program (it still does). */
#ifndef SW_STRAY_H
#define SW_STRAY_H

void sw_stray_watch(void); /* from now on; a recording, whose files are read after a crash, does not ask for it */
/* Between the two no such signal comes: a file is made and added here as one step. For the one thread that does not block signals. */
void sw_stray_hold(void);
void sw_stray_release(void);
void sw_stray_add(const char *path); /* the path is borrowed until it is removed here */
void sw_stray_remove(const char *path); /* the same pointer */

#endif
