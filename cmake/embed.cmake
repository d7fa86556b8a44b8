# postern_embed(TARGET NAME PREFIX [IMMUTABLE] FILES file-or-folder... [DEPENDS file-or-target...])
#
# Makes files a part of the program, compressed: web::embedded::NAME(), a list for web::add_assets(). They are served
# below PREFIX; IMMUTABLE where their names change with their content.  DEPENDS: what they are made from, when they are
# made by the build themselves.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

function(postern_embed target name prefix)
  cmake_parse_arguments(arg "IMMUTABLE" "" "FILES;DEPENDS" ${ARGN})
  set(out ${CMAKE_BINARY_DIR}/generated/embedded)
  set(option)
  if(arg_IMMUTABLE)
    set(option --immutable)
  endif()
  add_custom_command(
    OUTPUT ${out}/${name}.cpp
    COMMAND Python3::Interpreter ${CMAKE_SOURCE_DIR}/scripts/embed ${name} ${prefix} ${out} ${option} ${arg_FILES}
    DEPENDS ${CMAKE_SOURCE_DIR}/scripts/embed ${arg_FILES} ${arg_DEPENDS}
    VERBATIM)
  target_sources(${target} PRIVATE ${out}/${name}.cpp)
endfunction()
