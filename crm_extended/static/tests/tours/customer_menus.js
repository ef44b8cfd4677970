import {stepUtils} from "@web_tour/tour_utils";

/** From the home screen to one of our menus, below a menu of the CRM app's bar. Until its title is
 * there, what is clicked may belong to the screen before. */
export const openCustomers = (menu, section = "crm_extended.crm_customer_menu", title = "") => [
    ...stepUtils.goToAppSteps("crm.crm_menu_root"),
    {
        content: "Open the menu",
        trigger: `.o_menu_sections [data-menu-xmlid='${section}']`,
        run: "click",
    },
    {
        content: "Choose the screen",
        trigger: `[data-menu-xmlid='crm_extended.${menu}']`,
        run: "click",
    },
    ...(title ? [{trigger: `.o_control_panel .o_last_breadcrumb_item:contains(/^${title}/)`}] : []),
];
