# What other programs build with: header, shared library, and the package that CMake's
# find_package(postern) reads.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/postern)
install(TARGETS postern_client_library EXPORT postern LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)
install(FILES include/postern/client.hpp DESTINATION include/postern COMPONENT library)
install(EXPORT postern NAMESPACE postern:: FILE postern-config.cmake DESTINATION ${package_dir} COMPONENT library)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/generated/postern-config-version.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/generated/postern-config-version.cmake DESTINATION ${package_dir} COMPONENT library)
install(FILES examples/send/send.cpp examples/send/CMakeLists.txt DESTINATION share/doc/postern/examples/send COMPONENT library)
