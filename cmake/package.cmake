# `cmake --install` and `cpack`: the program, its units, its documentation; as a Debian package.
include(GNUInstallDirs)
install(TARGETS influencer-analytics RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES deploy/systemd/influencer-analytics.service
              deploy/systemd/influencer-analytics@.service
        DESTINATION /usr/lib/systemd/system)
install(FILES README.md deploy/influencer-analytics.example.toml
        DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}
        FILES_MATCHING PATTERN "*.md" PATTERN openapi.json PATTERN screenshots EXCLUDE)
# Debian wants it compressed, and the same bytes of the same text.
execute_process(COMMAND gzip -9nc ${PROJECT_SOURCE_DIR}/CHANGELOG.md
                OUTPUT_FILE ${PROJECT_BINARY_DIR}/changelog.gz)
install(FILES ${PROJECT_BINARY_DIR}/changelog.gz DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES deploy/debian/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES deploy/debian/influencer-analytics.toml DESTINATION /etc)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME influencer-analytics)
set(CPACK_PACKAGE_VENDOR "Influencer Analytics")
set(CPACK_PACKAGE_CONTACT "maintainers@influencer-analytics.invalid")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "follower counts of a million accounts, minute by minute")
set(description_lines
    "Asks a social network for every account once a minute, loses none\n"
    "of the answers, and serves series, latest values, ranks and averages\n"
    "to a dashboard and an HTTP API.")
string(JOIN "" CPACK_PACKAGE_DESCRIPTION ${description_lines})
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/deploy/debian/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
