//! One rule a file; its manual stands at its head.

mod aut001;
mod aut002;
mod aut003;
mod aut004;
mod aut005;
mod aut006;
mod aut008;
mod aut009;
mod aut010;
mod aut011;
mod aut012;
mod aut014;
mod aut015;
mod aut017;
mod aut018;
mod aut019;
mod aut023;
mod aut025;
mod cap001;
mod cap004;
mod cap008;
mod dlg001;
mod dlg002;
mod dlg003;
mod dlg004;
mod dlg007;
mod dlg009;
mod dlg010;
mod dlg011;
mod dlg012;
mod dlg013;
mod dlg014;
mod dlg015;
mod dlg016;
mod dlg017;
mod dlg018;
mod dlg019;
mod dlg021;
mod dlg022;
mod dlg023;
mod dlg024;
mod dlg027;
mod dlg029;
mod dlg030;
mod dlg031;
mod dlg032;
mod dlg033;
mod dlg034;
mod dlg037;
mod dlg040;
mod dlg041;
mod dlg042;
mod dlg043;
mod dlg045;
mod dlg046;
mod ice001;
mod ice002;
mod ice003;
mod ice004;
mod ice005;
mod ice006;
mod ice007;
mod ice008;
mod ice009;
mod ice010;
mod ice011;
mod ice012;
mod ice013;
mod ice014;
mod ice015;
mod ice016;
mod ice017;
mod ice018;
mod ice019;
mod ice020;
mod ice021;
mod idn002;
mod idn004;
mod idn006;
mod med001;
mod med003;
mod med005;
mod med006;
mod med007;
mod med010;
mod med014;
mod med015;
mod med018;
mod med019;
mod med021;
mod med025;
mod med034;
mod med037;
mod med039;
mod med040;
mod med041;
mod med045;
mod med048;
mod med049;
mod med050;
mod med051;
mod med061;
mod med062;
mod med063;
mod med065;
mod med066;
mod msg001;
mod msg002;
mod msg003;
mod nat001;
mod nat002;
mod nat003;
mod nat004;
mod nat005;
mod nat006;
mod nat007;
mod nat008;
mod nat009;
mod nat010;
mod nat011;
mod nat012;
mod nat013;
mod nat014;
mod nat015;
mod nat016;
mod nat017;
mod nat018;
mod prk001;
mod prk002;
mod prk003;
mod prk004;
mod prk005;
mod prk006;
mod prk007;
mod prk008;
mod prk009;
mod prk010;
mod prk011;
mod reg001;
mod reg002;
mod reg003;
mod reg004;
mod reg005;
mod reg006;
mod reg007;
mod reg008;
mod reg009;
mod reg010;
mod reg011;
mod reg012;
mod reg013;
mod reg015;
mod reg016;
mod reg017;
mod reg022;
mod reg023;
mod reg024;
mod reg025;
mod sdp001;
mod sdp002;
mod sdp003;
mod sdp004;
mod sdp005;
mod sdp006;
mod sdp007;
mod sdp008;
mod sdp009;
mod sdp010;
mod sdp011;
mod sdp012;
mod sdp013;
mod sdp014;
mod sdp015;
mod sdp016;
mod sdp017;
mod sdp018;
mod sdp019;
mod sdp021;
mod sdp023;
mod sdp024;
mod sdp025;
mod sdp026;
mod sdp027;
mod sdp028;
mod sdp030;
mod sdp031;
mod sdp032;
mod sdp033;
mod sdp034;
mod sdp035;
mod sdp036;
mod sdp037;
mod sdp038;
mod sdp039;
mod sdp040;
mod sdp042;
mod sdp043;
mod sdp046;
mod sdp049;
mod sdp050;
mod sdp051;
mod sdp054;
mod sdp055;
mod sec001;
mod sec002;
mod sec003;
mod sec004;
mod sti001;
mod sti002;
mod sti003;
mod sti004;
mod sti005;
mod sti006;
mod sti007;
mod sti011;
mod sti012;
mod stn001;
mod stn003;
mod stn004;
mod stn005;
mod stn008;
mod stn009;
mod stn011;
mod stn012;
mod stn014;
mod sub001;
mod sub002;
mod sub003;
mod sub004;
mod sub007;
mod sub008;
mod sub009;
mod sub012;
mod syn001;
mod syn002;
mod syn003;
mod syn004;
mod syn005;
mod syn006;
mod syn007;
mod syn008;
mod syn009;
mod syn010;
mod syn011;
mod syn012;
mod syn013;
mod syn014;
mod syn015;
mod syn016;
mod syn017;
mod syn018;
mod syn019;
mod syn020;
mod syn021;
mod syn022;
mod syn023;
mod syn024;
mod syn025;
mod syn026;
mod syn027;
mod syn028;
mod syn029;
mod syn030;
mod syn031;
mod syn032;
mod syn033;
mod syn034;
mod syn035;
mod syn036;
mod syn037;
mod syn039;
mod syn041;
mod syn042;
mod syn044;
mod tmr001;
mod tmr002;
mod tmr003;
mod tmr004;
mod tmr006;
mod tmr007;
mod trn001;
mod trn002;
mod trn003;
mod trn004;
mod trn005;
mod trn007;
mod trn008;
mod trn009;
mod trn010;
mod trn011;
mod trn012;
mod trn014;
mod trn015;
mod trn016;
mod trn021;
mod trn025;
mod trn026;
mod tur001;
mod tur002;
mod tur003;
mod tur004;
mod tur005;
mod tur006;
mod tur007;
mod tur008;
mod tur009;
mod tur010;
mod tur011;
mod tur012;
mod tur013;
mod tur014;
mod tur015;
mod tur016;
mod txn001;
mod txn002;
mod txn003;
mod txn004;
mod txn005;
mod txn006;
mod txn008;
mod txn009;
mod txn010;
mod txn011;
mod txn012;
mod txn013;
mod txn014;
mod txn015;
mod txn016;
mod txn017;
mod txn018;
mod txn019;
mod txn020;
mod txn021;
mod txn022;
mod txn023;
mod txn024;
mod txn025;
mod txn026;
mod txn027;
mod txn028;
mod txn029;
mod txn030;
mod txn031;
mod txn032;
mod txn033;
mod txn034;
mod txn035;
mod txn036;
mod txn037;
mod txn038;
mod txn040;
mod txn041;
mod txn043;
mod txn045;
mod txn049;
mod upd001;
mod upd003;
mod upd004;

use super::Rule;

/// Every rule, in the order of the codes.
pub static CATALOGUE: [&Rule; 358] = [
    &aut001::RULE,
    &aut002::RULE,
    &aut003::RULE,
    &aut004::RULE,
    &aut005::RULE,
    &aut006::RULE,
    &aut008::RULE,
    &aut009::RULE,
    &aut010::RULE,
    &aut011::RULE,
    &aut012::RULE,
    &aut014::RULE,
    &aut015::RULE,
    &aut017::RULE,
    &aut018::RULE,
    &aut019::RULE,
    &aut023::RULE,
    &aut025::RULE,
    &cap001::RULE,
    &cap004::RULE,
    &cap008::RULE,
    &dlg001::RULE,
    &dlg002::RULE,
    &dlg003::RULE,
    &dlg004::RULE,
    &dlg007::RULE,
    &dlg009::RULE,
    &dlg010::RULE,
    &dlg011::RULE,
    &dlg012::RULE,
    &dlg013::RULE,
    &dlg014::RULE,
    &dlg015::RULE,
    &dlg016::RULE,
    &dlg017::RULE,
    &dlg018::RULE,
    &dlg019::RULE,
    &dlg021::RULE,
    &dlg022::RULE,
    &dlg023::RULE,
    &dlg024::RULE,
    &dlg027::RULE,
    &dlg029::RULE,
    &dlg030::RULE,
    &dlg031::RULE,
    &dlg032::RULE,
    &dlg033::RULE,
    &dlg034::RULE,
    &dlg037::RULE,
    &dlg040::RULE,
    &dlg041::RULE,
    &dlg042::RULE,
    &dlg043::RULE,
    &dlg045::RULE,
    &dlg046::RULE,
    &ice001::RULE,
    &ice002::RULE,
    &ice003::RULE,
    &ice004::RULE,
    &ice005::RULE,
    &ice006::RULE,
    &ice007::RULE,
    &ice008::RULE,
    &ice009::RULE,
    &ice010::RULE,
    &ice011::RULE,
    &ice012::RULE,
    &ice013::RULE,
    &ice014::RULE,
    &ice015::RULE,
    &ice016::RULE,
    &ice017::RULE,
    &ice018::RULE,
    &ice019::RULE,
    &ice020::RULE,
    &ice021::RULE,
    &idn002::RULE,
    &idn004::RULE,
    &idn006::RULE,
    &med001::RULE,
    &med003::RULE,
    &med005::RULE,
    &med006::RULE,
    &med007::RULE,
    &med010::RULE,
    &med014::RULE,
    &med015::RULE,
    &med018::RULE,
    &med019::RULE,
    &med021::RULE,
    &med025::RULE,
    &med034::RULE,
    &med037::RULE,
    &med039::RULE,
    &med040::RULE,
    &med041::RULE,
    &med045::RULE,
    &med048::RULE,
    &med049::RULE,
    &med050::RULE,
    &med051::RULE,
    &med061::RULE,
    &med062::RULE,
    &med063::RULE,
    &med065::RULE,
    &med066::RULE,
    &msg001::RULE,
    &msg002::RULE,
    &msg003::RULE,
    &nat001::RULE,
    &nat002::RULE,
    &nat003::RULE,
    &nat004::RULE,
    &nat005::RULE,
    &nat006::RULE,
    &nat007::RULE,
    &nat008::RULE,
    &nat009::RULE,
    &nat010::RULE,
    &nat011::RULE,
    &nat012::RULE,
    &nat013::RULE,
    &nat014::RULE,
    &nat015::RULE,
    &nat016::RULE,
    &nat017::RULE,
    &nat018::RULE,
    &prk001::RULE,
    &prk002::RULE,
    &prk003::RULE,
    &prk004::RULE,
    &prk005::RULE,
    &prk006::RULE,
    &prk007::RULE,
    &prk008::RULE,
    &prk009::RULE,
    &prk010::RULE,
    &prk011::RULE,
    &reg001::RULE,
    &reg002::RULE,
    &reg003::RULE,
    &reg004::RULE,
    &reg005::RULE,
    &reg006::RULE,
    &reg007::RULE,
    &reg008::RULE,
    &reg009::RULE,
    &reg010::RULE,
    &reg011::RULE,
    &reg012::RULE,
    &reg013::RULE,
    &reg015::RULE,
    &reg016::RULE,
    &reg017::RULE,
    &reg022::RULE,
    &reg023::RULE,
    &reg024::RULE,
    &reg025::RULE,
    &sdp001::RULE,
    &sdp002::RULE,
    &sdp003::RULE,
    &sdp004::RULE,
    &sdp005::RULE,
    &sdp006::RULE,
    &sdp007::RULE,
    &sdp008::RULE,
    &sdp009::RULE,
    &sdp010::RULE,
    &sdp011::RULE,
    &sdp012::RULE,
    &sdp013::RULE,
    &sdp014::RULE,
    &sdp015::RULE,
    &sdp016::RULE,
    &sdp017::RULE,
    &sdp018::RULE,
    &sdp019::RULE,
    &sdp021::RULE,
    &sdp023::RULE,
    &sdp024::RULE,
    &sdp025::RULE,
    &sdp026::RULE,
    &sdp027::RULE,
    &sdp028::RULE,
    &sdp030::RULE,
    &sdp031::RULE,
    &sdp032::RULE,
    &sdp033::RULE,
    &sdp034::RULE,
    &sdp035::RULE,
    &sdp036::RULE,
    &sdp037::RULE,
    &sdp038::RULE,
    &sdp039::RULE,
    &sdp040::RULE,
    &sdp042::RULE,
    &sdp043::RULE,
    &sdp046::RULE,
    &sdp049::RULE,
    &sdp050::RULE,
    &sdp051::RULE,
    &sdp054::RULE,
    &sdp055::RULE,
    &sec001::RULE,
    &sec002::RULE,
    &sec003::RULE,
    &sec004::RULE,
    &sti001::RULE,
    &sti002::RULE,
    &sti003::RULE,
    &sti004::RULE,
    &sti005::RULE,
    &sti006::RULE,
    &sti007::RULE,
    &sti011::RULE,
    &sti012::RULE,
    &stn001::RULE,
    &stn003::RULE,
    &stn004::RULE,
    &stn005::RULE,
    &stn008::RULE,
    &stn009::RULE,
    &stn011::RULE,
    &stn012::RULE,
    &stn014::RULE,
    &sub001::RULE,
    &sub002::RULE,
    &sub003::RULE,
    &sub004::RULE,
    &sub007::RULE,
    &sub008::RULE,
    &sub009::RULE,
    &sub012::RULE,
    &syn001::RULE,
    &syn002::RULE,
    &syn003::RULE,
    &syn004::RULE,
    &syn005::RULE,
    &syn006::RULE,
    &syn007::RULE,
    &syn008::RULE,
    &syn009::RULE,
    &syn010::RULE,
    &syn011::RULE,
    &syn012::RULE,
    &syn013::RULE,
    &syn014::RULE,
    &syn015::RULE,
    &syn016::RULE,
    &syn017::RULE,
    &syn018::RULE,
    &syn019::RULE,
    &syn020::RULE,
    &syn021::RULE,
    &syn022::RULE,
    &syn023::RULE,
    &syn024::RULE,
    &syn025::RULE,
    &syn026::RULE,
    &syn027::RULE,
    &syn028::RULE,
    &syn029::RULE,
    &syn030::RULE,
    &syn031::RULE,
    &syn032::RULE,
    &syn033::RULE,
    &syn034::RULE,
    &syn035::RULE,
    &syn036::RULE,
    &syn037::RULE,
    &syn039::RULE,
    &syn041::RULE,
    &syn042::RULE,
    &syn044::RULE,
    &tmr001::RULE,
    &tmr002::RULE,
    &tmr003::RULE,
    &tmr004::RULE,
    &tmr006::RULE,
    &tmr007::RULE,
    &trn001::RULE,
    &trn002::RULE,
    &trn003::RULE,
    &trn004::RULE,
    &trn005::RULE,
    &trn007::RULE,
    &trn008::RULE,
    &trn009::RULE,
    &trn010::RULE,
    &trn011::RULE,
    &trn012::RULE,
    &trn014::RULE,
    &trn015::RULE,
    &trn016::RULE,
    &trn021::RULE,
    &trn025::RULE,
    &trn026::RULE,
    &tur001::RULE,
    &tur002::RULE,
    &tur003::RULE,
    &tur004::RULE,
    &tur005::RULE,
    &tur006::RULE,
    &tur007::RULE,
    &tur008::RULE,
    &tur009::RULE,
    &tur010::RULE,
    &tur011::RULE,
    &tur012::RULE,
    &tur013::RULE,
    &tur014::RULE,
    &tur015::RULE,
    &tur016::RULE,
    &txn001::RULE,
    &txn002::RULE,
    &txn003::RULE,
    &txn004::RULE,
    &txn005::RULE,
    &txn006::RULE,
    &txn008::RULE,
    &txn009::RULE,
    &txn010::RULE,
    &txn011::RULE,
    &txn012::RULE,
    &txn013::RULE,
    &txn014::RULE,
    &txn015::RULE,
    &txn016::RULE,
    &txn017::RULE,
    &txn018::RULE,
    &txn019::RULE,
    &txn020::RULE,
    &txn021::RULE,
    &txn022::RULE,
    &txn023::RULE,
    &txn024::RULE,
    &txn025::RULE,
    &txn026::RULE,
    &txn027::RULE,
    &txn028::RULE,
    &txn029::RULE,
    &txn030::RULE,
    &txn031::RULE,
    &txn032::RULE,
    &txn033::RULE,
    &txn034::RULE,
    &txn035::RULE,
    &txn036::RULE,
    &txn037::RULE,
    &txn038::RULE,
    &txn040::RULE,
    &txn041::RULE,
    &txn043::RULE,
    &txn045::RULE,
    &txn049::RULE,
    &upd001::RULE,
    &upd003::RULE,
    &upd004::RULE,
];
