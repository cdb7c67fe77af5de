/** How clients say who they are, as the documents of both versions tell it. */
export const securitySchemes = {
  BearerToken: { type: "apiKey", description: "Bearer Token authentication", name: "authorization", in: "header" },
};
