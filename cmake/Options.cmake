# SPDX-License-Identifier: MIT
#
# What a builder can choose, and the optional libraries: AUTO takes one that is there, ON insists, OFF does without.

set(GANDER_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread or memory")
set(GANDER_TEST_RUNNER "" CACHE STRING "What runs the test programs: an emulator, valgrind")
option(GANDER_FUZZ "Build the fuzz targets to search, not only to replay (clang)" OFF)
option(GANDER_COVERAGE "Measure which lines run" OFF)
option(GANDER_DEBUG "Check all invariants after each call (slow)" OFF)
option(GANDER_LTO "Optimise each library as a whole in release builds (gcc)" ON)
option(GANDER_WERROR "Treat warnings as errors" OFF)

set(GANDER_INSTRUMENTED OFF)
if(GANDER_SANITIZE OR GANDER_COVERAGE OR GANDER_FUZZ)
    set(GANDER_INSTRUMENTED ON)
endif()

foreach(option GANDER_TESTS GANDER_PCAP)
    set(${option} AUTO CACHE STRING "AUTO, ON or OFF")
    set_property(CACHE ${option} PROPERTY STRINGS AUTO ON OFF)
    string(TOUPPER "${${option}}" ${option})
    if(NOT ${option} MATCHES "^(AUTO|ON|OFF)$")
        message(FATAL_ERROR "${option} is '${${option}}'; it may be AUTO, ON or OFF")
    endif()
endforeach()

# gander_optional(OPTION target HEADER header LIBRARY library PACKAGE debian-package)
# Makes the imported target if the option allows it and the library is there.
function(gander_optional option target)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "HEADER;LIBRARY;PACKAGE" "")
    if(${option} STREQUAL "OFF" OR TARGET ${target})
        return()
    endif()
    find_path(${target}_INCLUDE ${arg_HEADER})
    find_library(${target}_LIBRARY ${arg_LIBRARY})
    mark_as_advanced(${target}_INCLUDE ${target}_LIBRARY)
    if(${target}_INCLUDE AND ${target}_LIBRARY)
        add_library(${target} UNKNOWN IMPORTED GLOBAL)
        set_target_properties(${target} PROPERTIES IMPORTED_LOCATION "${${target}_LIBRARY}"
            INTERFACE_INCLUDE_DIRECTORIES "${${target}_INCLUDE}")
    elseif(${option} STREQUAL "ON")
        message(FATAL_ERROR "${option}=ON needs lib${arg_LIBRARY}: on Debian, apt-get install ${arg_PACKAGE}")
    endif()
endfunction()
