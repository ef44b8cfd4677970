/** Whether a list is searched for these filters and nothing else. */
export function isSearchedOnly({query, searchItems}, filters) {
    const active = query.map(({searchItemId}) => searchItems[searchItemId].name);
    return active.length === filters.length && filters.every((name) => active.includes(name));
}

/** Search for these filters and nothing else. */
export function searchOnly(searchModel, filters) {
    // those of the chips alone are in no menu
    const items = Object.values(searchModel.searchItems).filter((item) =>
        filters.includes(item.name)
    );
    searchModel.query = items.map((item) => ({searchItemId: item.id}));
    searchModel._notify();
}
