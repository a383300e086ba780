/* The version, in one place. */
#ifndef SW_VERSION_H
#define SW_VERSION_H

#define SW_VERSION SOCKWHY_VERSION /* of the top CMakeLists.txt */

#endif
