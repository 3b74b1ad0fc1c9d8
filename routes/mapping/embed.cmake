# Writes map files into a source file:
# cmake -DOUT=map_files.cpp -DFUNCTION=map_files -DHEADER=routes/mapping/fhir_maps.h -DFILES=a.yaml;b.yaml -P embed.cmake
set(text "#include \"${HEADER}\"\n\n")
string(APPEND text "namespace hilum::routes::mapping {\n\nstd::vector<MapFile> const& ${FUNCTION}() {\n")
string(APPEND text "    static std::vector<MapFile> const files{\n")
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} content)
  string(APPEND text "        {\"${name}\", R\"yaml(${content})yaml\"},\n")
endforeach()
string(APPEND text "    };\n    return files;\n}\n\n}  // namespace hilum::routes::mapping\n")
file(WRITE ${OUT} "${text}")
