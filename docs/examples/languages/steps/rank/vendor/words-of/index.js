export const words = (text) => text.toLowerCase().match(/\p{Letter}+/gu) ?? [];
