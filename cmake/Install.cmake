# SPDX-License-Identifier: MIT
#
# Headers, both kinds of both libraries, pkg-config files, the CMake package and the man pages.
include(CMakePackageConfigHelpers)

# The way back from the pkg-config files, so that an installed tree can be moved.
file(RELATIVE_PATH pc_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)

set(libraries)
foreach(library gander gander-host)
    if(TARGET ${library}-shared)
        list(APPEND libraries ${library}-shared ${library}-static)
        configure_file(cmake/${library}.pc.in ${library}.pc @ONLY)
        install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${library}.pc
            DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
    endif()
endforeach()

install(DIRECTORY include/gander DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
file(GLOB man_pages CONFIGURE_DEPENDS docs/man/*.[1-9])
foreach(page ${man_pages})
    string(REGEX MATCH "[1-9]$" section ${page})
    install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

if(libraries)
    install(TARGETS ${libraries} EXPORT gander-targets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/gander)
    install(EXPORT gander-targets NAMESPACE gander:: DESTINATION ${package_dir})
    configure_package_config_file(cmake/gander-config.cmake.in gander-config.cmake
        INSTALL_DESTINATION ${package_dir})
    # Before 1.0 a new minor version may change the API.
    write_basic_package_version_file(gander-config-version.cmake COMPATIBILITY SameMinorVersion)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gander-config.cmake
        ${CMAKE_CURRENT_BINARY_DIR}/gander-config-version.cmake DESTINATION ${package_dir})
endif()
