using Emulator.Core.Semantics.X87;
using NUnit.Framework;

namespace Emulator.Tests.X87;

/// <summary>Operation, operands and correctly rounded result.</summary>
internal static class X87TranscendentalCases
{
    public static IEnumerable<TestCaseData> All()
    {
        yield return new("sin", new Float80(0xA0B26C1C9F767C45, 0xC01E), new Float80(0x0000000000000000, 0x0000), new Float80(0x95058B985132A49C, 0xBFFD));
        yield return new("cos", new Float80(0xA0B26C1C9F767C45, 0xC01E), new Float80(0x0000000000000000, 0x0000), new Float80(0xF4EAA5A66B80F1CA, 0xBFFE));
        yield return new("ptan", new Float80(0xA0B26C1C9F767C45, 0xC01E), new Float80(0x0000000000000000, 0x0000), new Float80(0x9BC3F52DCB5E4FCC, 0x3FFD));
        yield return new("sin", new Float80(0xF8A235F5B0C11FDE, 0x4003), new Float80(0x0000000000000000, 0x0000), new Float80(0xA92988C7E541030C, 0xBFFD));
        yield return new("cos", new Float80(0xF8A235F5B0C11FDE, 0x4003), new Float80(0x0000000000000000, 0x0000), new Float80(0xF19FADB6709FD69E, 0x3FFE));
        yield return new("ptan", new Float80(0xF8A235F5B0C11FDE, 0x4003), new Float80(0x0000000000000000, 0x0000), new Float80(0xB33A264A73BA299A, 0xBFFD));
        yield return new("2xm1", new Float80(0x83B6717787B0B125, 0x3FDB), new Float80(0x0000000000000000, 0x0000), new Float80(0xB697B00E2680E122, 0x3FDA));
        yield return new("patan", new Float80(0xAF96ECBF1CFB10F6, 0x3FE7), new Float80(0xD311992A3FC1EA36, 0x3FE6), new Float80(0x8A8A7C0EDD78E760, 0x3FFE));
        yield return new("yl2x", new Float80(0xC599F4B4617959CE, 0x1D0D), new Float80(0xD311992A3FC1EA36, 0x3FE6), new Float80(0xE67AC608BA3CBDE1, 0xBFF3));
        yield return new("yl2xp1", new Float80(0x9FEA11AC92EDCF45, 0x3F91), new Float80(0xD311992A3FC1EA36, 0x3FE6), new Float80(0xBE372A8A5AD3C4F4, 0x3F79));
        yield return new("sin", new Float80(0xA3C6140E687C966C, 0x3FD7), new Float80(0x0000000000000000, 0x0000), new Float80(0xA3C6140E687C966C, 0x3FD7));
        yield return new("cos", new Float80(0xA3C6140E687C966C, 0x3FD7), new Float80(0x0000000000000000, 0x0000), new Float80(0x8000000000000000, 0x3FFF));
        yield return new("ptan", new Float80(0xA3C6140E687C966C, 0x3FD7), new Float80(0x0000000000000000, 0x0000), new Float80(0xA3C6140E687C966C, 0x3FD7));
        yield return new("sin", new Float80(0xB1D914F8C4069545, 0x3FFA), new Float80(0x0000000000000000, 0x0000), new Float80(0xB1CAC700C6DEB8CA, 0x3FFA));
        yield return new("cos", new Float80(0xB1D914F8C4069545, 0x3FFA), new Float80(0x0000000000000000, 0x0000), new Float80(0xFFC23B887D44C763, 0x3FFE));
        yield return new("ptan", new Float80(0xB1D914F8C4069545, 0x3FFA), new Float80(0x0000000000000000, 0x0000), new Float80(0xB1F5B7209DF26179, 0x3FFA));
        yield return new("2xm1", new Float80(0x91C32175126A1E48, 0x3FEF), new Float80(0x0000000000000000, 0x0000), new Float80(0xCA1211190D5F2211, 0x3FEE));
        yield return new("patan", new Float80(0x9ACF777D015C33B2, 0x3FDD), new Float80(0x90ED44BC206F5C66, 0x3FE0), new Float80(0xB8123F1A342553BE, 0x3FFF));
        yield return new("yl2x", new Float80(0xEFAB0EC02A759159, 0x254F), new Float80(0x90ED44BC206F5C66, 0x3FE0), new Float80(0xF1B38F59F54058DA, 0xBFEC));
        yield return new("yl2xp1", new Float80(0xA825BA5D4A0FE75D, 0x3FA9), new Float80(0x90ED44BC206F5C66, 0x3FE0), new Float80(0x89552176BEDC38AA, 0x3F8B));
        yield return new("sin", new Float80(0xD017ED50AD864C44, 0xBFDA), new Float80(0x0000000000000000, 0x0000), new Float80(0xD017ED50AD864C44, 0xBFDA));
        yield return new("cos", new Float80(0xD017ED50AD864C44, 0xBFDA), new Float80(0x0000000000000000, 0x0000), new Float80(0x8000000000000000, 0x3FFF));
        yield return new("ptan", new Float80(0xD017ED50AD864C44, 0xBFDA), new Float80(0x0000000000000000, 0x0000), new Float80(0xD017ED50AD864C44, 0xBFDA));
        yield return new("sin", new Float80(0xD866F48BF7F35634, 0x3FFB), new Float80(0x0000000000000000, 0x0000), new Float80(0xD7FFEC697830330B, 0x3FFB));
        yield return new("cos", new Float80(0xD866F48BF7F35634, 0x3FFB), new Float80(0x0000000000000000, 0x0000), new Float80(0xFE927B504B1FA480, 0x3FFE));
        yield return new("ptan", new Float80(0xD866F48BF7F35634, 0x3FFB), new Float80(0x0000000000000000, 0x0000), new Float80(0xD9360F11E9ECA2D5, 0x3FFB));
        yield return new("2xm1", new Float80(0xB10D77ABE4CC4132, 0xBFFC), new Float80(0x0000000000000000, 0x0000), new Float80(0xE74F314AC8AE3C3C, 0xBFFB));
        yield return new("patan", new Float80(0xA692EF5954F46A69, 0x3FF5), new Float80(0x953E0C406A375391, 0xBFF2), new Float80(0xE4697D61970F8D5E, 0xBFFB));
        yield return new("yl2x", new Float80(0xD6C68CA598921396, 0x3FFF), new Float80(0x953E0C406A375391, 0xBFF2), new Float80(0xDEDFDB23BEBAFBAE, 0xBFF1));
        yield return new("yl2xp1", new Float80(0xA7ACB39310E6D8E6, 0x3FBD), new Float80(0x953E0C406A375391, 0xBFF2), new Float80(0x8D063A6B6F46ED10, 0xBFB1));
        yield return new("sin", new Float80(0xD92448C87B121DC5, 0xBFE8), new Float80(0x0000000000000000, 0x0000), new Float80(0xD92448C87B107D2C, 0xBFE8));
        yield return new("cos", new Float80(0xD92448C87B121DC5, 0xBFE8), new Float80(0x0000000000000000, 0x0000), new Float80(0xFFFFFFFFFFFA3E8C, 0x3FFE));
        yield return new("ptan", new Float80(0xD92448C87B121DC5, 0xBFE8), new Float80(0x0000000000000000, 0x0000), new Float80(0xD92448C87B155EF8, 0xBFE8));
        yield return new("sin", new Float80(0xDA32992978F845F5, 0xBFFA), new Float80(0x0000000000000000, 0x0000), new Float80(0xDA182ED0FB878B72, 0xBFFA));
        yield return new("cos", new Float80(0xDA32992978F845F5, 0xBFFA), new Float80(0x0000000000000000, 0x0000), new Float80(0xFFA3088596051F6E, 0x3FFE));
        yield return new("ptan", new Float80(0xDA32992978F845F5, 0xBFFA), new Float80(0x0000000000000000, 0x0000), new Float80(0xDA677F24F83A7F66, 0xBFFA));
        yield return new("2xm1", new Float80(0xF83189FFF9A01FE8, 0x3FFA), new Float80(0x0000000000000000, 0x0000), new Float80(0xAFB2D2ECBDDEC077, 0x3FFA));
        yield return new("patan", new Float80(0xB59C2184C9A937A6, 0xC012), new Float80(0xEC250E9D5B8E8FB2, 0xC013), new Float80(0xF80CFE3C27120574, 0xBFFF));
        yield return new("yl2x", new Float80(0x81297B0AD75B1E24, 0x4000), new Float80(0xEC250E9D5B8E8FB2, 0xC013), new Float80(0xEF3942606C18E382, 0xC013));
        yield return new("yl2xp1", new Float80(0xDA97D29E0BF64EF7, 0x3FFA), new Float80(0xEC250E9D5B8E8FB2, 0xC013), new Float80(0x8DB414744A0A3901, 0xC010));
        yield return new("sin", new Float80(0x99279F40F453324E, 0x3FCF), new Float80(0x0000000000000000, 0x0000), new Float80(0x99279F40F453324E, 0x3FCF));
        yield return new("cos", new Float80(0x99279F40F453324E, 0x3FCF), new Float80(0x0000000000000000, 0x0000), new Float80(0x8000000000000000, 0x3FFF));
        yield return new("ptan", new Float80(0x99279F40F453324E, 0x3FCF), new Float80(0x0000000000000000, 0x0000), new Float80(0x99279F40F453324E, 0x3FCF));
        yield return new("sin", new Float80(0xE8E526E2EDFDE416, 0xBFFF), new Float80(0x0000000000000000, 0x0000), new Float80(0xF81FB84B6494A00F, 0xBFFE));
        yield return new("cos", new Float80(0xE8E526E2EDFDE416, 0xBFFF), new Float80(0x0000000000000000, 0x0000), new Float80(0xFC0C695685E70284, 0xBFFC));
        yield return new("ptan", new Float80(0xE8E526E2EDFDE416, 0xBFFF), new Float80(0x0000000000000000, 0x0000), new Float80(0xFC038EA8B4F9A94B, 0x4000));
        yield return new("2xm1", new Float80(0xF2445B645AD3BA32, 0xBFFE), new Float80(0x0000000000000000, 0x0000), new Float80(0xF64D450BBF166EF0, 0xBFFD));
        yield return new("patan", new Float80(0xB76BC7AE0960AFE9, 0xC00A), new Float80(0x8DD4AD2A767D5274, 0x400F), new Float80(0xCE3B68F906FBD948, 0x3FFF));
        yield return new("yl2x", new Float80(0xCE2F98CF834C1B69, 0x3FFF), new Float80(0x8DD4AD2A767D5274, 0x400F), new Float80(0xC31A5D23E61BFEC9, 0x400E));
        yield return new("yl2xp1", new Float80(0x92F81314EB07C30D, 0xBFFB), new Float80(0x8DD4AD2A767D5274, 0x400F), new Float80(0xF3CC6687B1AE66DF, 0xC00B));
        yield return new("sin", new Float80(0xC5C747A7B3DE08F9, 0xBFCB), new Float80(0x0000000000000000, 0x0000), new Float80(0xC5C747A7B3DE08F9, 0xBFCB));
        yield return new("cos", new Float80(0xC5C747A7B3DE08F9, 0xBFCB), new Float80(0x0000000000000000, 0x0000), new Float80(0x8000000000000000, 0x3FFF));
        yield return new("ptan", new Float80(0xC5C747A7B3DE08F9, 0xBFCB), new Float80(0x0000000000000000, 0x0000), new Float80(0xC5C747A7B3DE08F9, 0xBFCB));
        yield return new("sin", new Float80(0xA7309D1B5119CDCC, 0x3FFA), new Float80(0x0000000000000000, 0x0000), new Float80(0xA724BACD55011664, 0x3FFA));
        yield return new("cos", new Float80(0xA7309D1B5119CDCC, 0x3FFA), new Float80(0x0000000000000000, 0x0000), new Float80(0xFFC969B5A1B70363, 0x3FFE));
        yield return new("ptan", new Float80(0xA7309D1B5119CDCC, 0x3FFA), new Float80(0x0000000000000000, 0x0000), new Float80(0xA7486647ECA4FDA2, 0x3FFA));
        yield return new("2xm1", new Float80(0x930E1BA5A07657D6, 0x3FFC), new Float80(0x0000000000000000, 0x0000), new Float80(0xD65A6F582A446708, 0x3FFB));
        yield return new("patan", new Float80(0xC44ABC3F99C4258B, 0xBFE6), new Float80(0xDC2D2E692959FEA3, 0xBFE6), new Float80(0x93214AEE97FDDB62, 0xC000));
        yield return new("yl2x", new Float80(0xCC06E37FBD953DC2, 0x3FFF), new Float80(0xDC2D2E692959FEA3, 0xBFE6), new Float80(0x94181A17040E3914, 0xBFE6));
        yield return new("yl2xp1", new Float80(0xA006D806D3881A50, 0x3FFB), new Float80(0xDC2D2E692959FEA3, 0xBFE6), new Float80(0xBF2FE1C8C834DE62, 0xBFE3));
    }
}
