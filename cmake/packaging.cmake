# What `cmake --install` puts where, and the Debian package: `ninja -C build/release deb`
# leaves it in the build folder.
include(GNUInstallDirs)
find_program(GZIP gzip REQUIRED)

# The configuration that is installed is what the program says its defaults are.
set(default_config ${CMAKE_BINARY_DIR}/generated/postern.toml)
add_custom_command(
  OUTPUT ${default_config}
  COMMAND postern config default > ${default_config}
  DEPENDS postern
  VERBATIM)
set(man_page ${CMAKE_BINARY_DIR}/generated/postern.1.gz)
add_custom_command(
  OUTPUT ${man_page}
  COMMAND ${GZIP} -9nc ${CMAKE_SOURCE_DIR}/packaging/postern.1 > ${man_page}
  DEPENDS ${CMAKE_SOURCE_DIR}/packaging/postern.1
  VERBATIM)
add_custom_target(installed_files ALL DEPENDS ${default_config} ${man_page})

install(FILES ${default_config} DESTINATION /etc/postern)
install(FILES ${man_page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES packaging/postern.service packaging/postern-web.service DESTINATION lib/systemd/system)
install(FILES packaging/postern.sysusers DESTINATION lib/sysusers.d RENAME postern.conf)
install(FILES packaging/postern.socket DESTINATION share/doc/postern/examples)
install(FILES README.md CHANGELOG.md LICENSE packaging/copyright DESTINATION share/doc/postern)
install(DIRECTORY docs DESTINATION share/doc/postern FILES_MATCHING PATTERN "*.md")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "The Postern authors <postern@localhost>")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION mail)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates, dns-root-data, publicsuffix")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "SMTP submission server and relay that says why")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Mail clients log in, over TLS, and only then does Postern carry their mail to
other networks. It keeps accepted mail safe on disk and delivers it. Every
refusal says which rule it comes from, and what the user and the operator can
do about it.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${CMAKE_SOURCE_DIR}/packaging/postinst;${CMAKE_SOURCE_DIR}/packaging/prerm;${CMAKE_SOURCE_DIR}/packaging/triggers;\
${CMAKE_SOURCE_DIR}/packaging/postrm;${CMAKE_SOURCE_DIR}/packaging/conffiles")
include(CPack)

add_custom_target(deb
  COMMAND ${CMAKE_CPACK_COMMAND} -G DEB -B ${CMAKE_BINARY_DIR}
  DEPENDS postern postern_client_library installed_files
  WORKING_DIRECTORY ${CMAKE_BINARY_DIR}
  VERBATIM USES_TERMINAL)
