# SPDX-License-Identifier: MIT
#
# Builds for another processor, named by GANDER_CROSS, and runs the tests there: presets s390x, i686, armhf. Debian's cross
# compilers bring the C library along; cmocka comes from scripts/cross-libraries; qemu-user runs the programs.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES GANDER_CROSS)

set(triplet_s390x s390x-linux-gnu) # big-endian
set(triplet_i686 i686-linux-gnu) # 32 bits
set(triplet_armhf arm-linux-gnueabihf) # 32 bits, 8-byte integers aligned, char unsigned
set(emulator_s390x qemu-s390x)
set(emulator_i686 qemu-i386)
set(emulator_armhf qemu-arm)
set(triplet ${triplet_${GANDER_CROSS}})

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${GANDER_CROSS})
set(CMAKE_C_COMPILER ${triplet}-gcc)
set(CMAKE_OBJCOPY ${triplet}-objcopy)
set(CMAKE_FIND_ROOT_PATH ${CMAKE_CURRENT_LIST_DIR}/../build/cross/${GANDER_CROSS} /usr/${triplet})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
# An x86-64 kernel most often runs i686 programs itself, which is ten times faster.
set(runner ${emulator_${GANDER_CROSS}} -L /usr/${triplet})
set(loader /usr/${triplet}/lib/ld-linux.so.2)
if(GANDER_CROSS STREQUAL "i686")
    execute_process(COMMAND ${loader} --version RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
    if(status EQUAL 0)
        set(runner ${loader} --library-path /usr/${triplet}/lib)
    endif()
endif()
set(GANDER_TEST_RUNNER ${runner} CACHE STRING "What runs the test programs: an emulator, valgrind")
